"""Draw the phases of a conversation, from the code: ``python -m tools.state_diagram``.

Every input is tried in every phase; what leads from one phase to another becomes an arrow of a Mermaid diagram.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent_core.conversation.signals import (
    AgentSaidGoodbye,
    AnswerHeard,
    ApologyPlaying,
    Connected,
    Ended,
    GoodbyeWanted,
    Input,
    KeyPressed,
    ModelLost,
    ReadyToListen,
    Started,
    Tick,
    TransferFailed,
    TransferSucceeded,
    TransferWanted,
)
from agent_core.conversation.state import ConversationRules, ConversationState, Phase
from agent_core.conversation.waits import KEY_PAUSE_SECONDS, DisclosureWatch
from agent_core.disclosure import Wording
from agent_core.events import GOODBYE_SECONDS, EndReason
from agent_core.nova.facts import ReplyStarted
from tools.workspace import ROOT

PAGE: Final = ROOT / "docs" / "explanation" / "architecture.md"
_BLOCK: Final = re.compile(r"(?<=```mermaid\n)stateDiagram-v2\n.*?(?=```)", re.DOTALL)
_TRANSFER: Final = TransferWanted("sales", "")
_SAID: Final[Sequence[Input]] = (ReplyStarted(), AnswerHeard())
_INTO: Final[dict[Phase, Sequence[Input]]] = {
    Phase.GREETING: (),
    Phase.TALKING: _SAID,
    Phase.TRANSFERRING: (*_SAID, _TRANSFER),
    Phase.CLOSING: (*_SAID, GoodbyeWanted(EndReason.MAX_DURATION)),
    Phase.FAILING: (*_SAID, ModelLost(EndReason.MODEL_UNAVAILABLE), ApologyPlaying(1.0)),
}
_TRIED: Final[dict[str, tuple[Input, float]]] = {
    "agent speaks": (ReplyStarted(), 0.0),
    "transfer asked": (_TRANSFER, 0.0),
    "key 0": (KeyPressed("0"), KEY_PAUSE_SECONDS),
    "transfer failed": (TransferFailed(), 0.0),
    "person took over": (TransferSucceeded(), 0.0),
    "goodbye wanted": (GoodbyeWanted(EndReason.MAX_DURATION), 0.0),
    "agent said goodbye": (AgentSaidGoodbye(), 0.0),
    "model lost": (ModelLost(EndReason.MODEL_UNAVAILABLE), 0.0),
    "last words heard": (AnswerHeard(), GOODBYE_SECONDS),
    "caller hung up": (Ended(EndReason.CALLER_HUNG_UP), 0.0),
}
"""Inputs, and the seconds after which their consequences have come."""
_ONLY_IN: Final = {
    "transfer failed": {Phase.TRANSFERRING},
    "person took over": {Phase.TRANSFERRING},
    "last words heard": {Phase.CLOSING, Phase.FAILING},
}
"""Where an input occurs, if not everywhere."""


def arrows() -> dict[tuple[Phase, Phase], list[str]]:
    """Return which inputs lead from one phase to another."""
    found: dict[tuple[Phase, Phase], list[str]] = defaultdict(list)
    for phase in _INTO:
        for name, (one, seconds) in _TRIED.items():
            if phase not in _ONLY_IN.get(name, set(Phase)):
                continue
            state = _enter(phase)
            state.on(one, 0.0)
            _pass(state, seconds)
            if state.phase is not phase:
                found[phase, state.phase].append(name)
    return found


def _enter(phase: Phase) -> ConversationState:
    state = ConversationState(ConversationRules(by_key="reception"), DisclosureWatch(Wording("", "", "en-US")))
    for one in (Started(3600.0), Connected(), ReadyToListen(), *_INTO[phase]):
        state.on(one, 0.0)
    return state


def _pass(state: ConversationState, seconds: float) -> None:
    while state.due is not None and state.due <= seconds:
        state.on(Tick(quiet=True, owes_answer=False), state.due)


def diagram() -> str:
    """Return the diagram, as Mermaid reads it."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.GREETING}"]
    lines += [f"    {one} --> {other}: {', '.join(names)}" for (one, other), names in arrows().items()]
    return "\n".join([*lines, f"    {Phase.ENDED} --> [*]", ""])


def is_current(page: Path = PAGE) -> bool:
    """Return whether the page shows the diagram that the code makes."""
    shown = _BLOCK.search(page.read_text(encoding="utf-8"))
    return shown is not None and shown.group() == diagram()


def main() -> int:
    """Write the diagram into the page."""
    PAGE.write_text(_BLOCK.sub(lambda _: diagram(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
