"""Events of the model, one by one: the product trusts its intentions, and still expects mistakes."""

import json
from types import UnionType
from typing import get_args, get_origin, get_type_hints

from agent_core.errors import ProtocolError
from agent_core.nova import wire
from tests.fuzzing.mutation import Mutator
from tests.fuzzing.target import Target


def _event(name: str, **fields: object) -> bytes:
    return json.dumps({"event": {name: fields}}).encode()


_IDS = {"promptName": "p", "sessionId": "s", "completionId": "c", "contentId": "x"}
_USAGE = {"speechTokens": 5, "textTokens": 7}


class ModelEvents(Target):
    """One case is the payload of one event."""

    name = "model-events"
    folders = ("/agent_core/nova/",)
    seeds = (
        _event("completionStart", **_IDS),
        _event("contentStart", **_IDS, type="TEXT", role="USER", additionalModelFields='{"generationStage":"FINAL"}'),
        _event("contentStart", **_IDS, type="AUDIO", role="ASSISTANT", audioOutputConfiguration={}),
        _event("textOutput", **_IDS, content="Hello.", role="ASSISTANT"),
        _event("audioOutput", **_IDS, content="AAAA" * 100),
        _event("toolUse", **_IDS, content='{"location":"Paris"}', toolName="get_current_weather", toolUseId="t"),
        _event("contentEnd", **_IDS, stopReason="INTERRUPTED", type="TEXT"),
        _event("usageEvent", **_IDS, details={"delta": {"input": _USAGE, "output": _USAGE}}, totalTokens=24),
        _event("completionEnd", **_IDS, stopReason="END_TURN"),
        _event("somethingNew", **_IDS),
    )

    def vary(self, case: bytes, mutator: Mutator) -> bytes:
        """Change its meaning, or its bytes."""
        return mutator.damage(case) if mutator.one_in(4) else mutator.json(case)

    def run(self, case: bytes) -> None:
        """Read it: the result has parts of the declared types, or is the one error that the session expects."""
        try:
            event = wire.parse(case)
        except ProtocolError:
            return
        assert isinstance(event, get_args(wire.ModelEvent.__value__))
        check(event)


def check(event: object) -> None:
    """Check the parts of a result against their types: the session relies on them."""
    for name, kind in _KINDS[type(event).__name__].items():
        value = getattr(event, name)
        assert isinstance(value, kind), f"{type(event).__name__}.{name} is a {type(value).__name__}"
        assert bool in kind or not isinstance(value, bool)


def _classes(hint: object) -> tuple[type, ...]:
    """Return the classes that an annotation allows."""
    return tuple(get_origin(one) or one for one in (get_args(hint) if isinstance(hint, UnionType) else (hint,)))


_KINDS = {
    fact.__name__: {name: _classes(hint) for name, hint in get_type_hints(fact).items()}
    for fact in get_args(wire.ModelEvent.__value__)
}
