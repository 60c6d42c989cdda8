"""Which messages of a visitor's page are passed on, without I/O.

RTVI lets a client do more than talk: inject sound, answer the tools in the model's place, upload files. Nothing of
that is this agent's, and every message costs, so only what a page needs is let through, and not faster than people
type.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_TEXT = 1000
"""Characters of one typed message: about a minute of speech."""
BURST = 20
PER_SECOND = 5.0
_LABEL = "rtvi-ai"
_KEYS = frozenset("0123456789*#")
_PASSED = frozenset({"client-ready", "send-text", "client-message", "ui-event", "ui-snapshot"})


@dataclass(frozen=True, slots=True)
class Pass:
    """Goes on into the conversation."""

    kind: str


@dataclass(frozen=True, slots=True)
class Press:
    """Keys of a telephone, in order."""

    digits: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The visitor is done."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Is forgotten; ``reason`` is a constant."""

    reason: str


type Verdict = Pass | Press | Leave | Drop


class MessageGuard:
    """Judges the messages of one visitor.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._credit = float(BURST)
        self._last = clock()

    def judge(self, message: object) -> Verdict:
        """Judge one message, as it came out of its JSON."""
        now = self._clock()
        self._credit = min(BURST, self._credit + (now - self._last) * PER_SECOND)
        self._last = now
        if self._credit < 1:
            return Drop("too_fast")
        self._credit -= 1
        if not isinstance(message, dict) or message.get("label") != _LABEL:
            return Drop("not_rtvi")
        return _judge(message.get("type"), message.get("data"))


def _judge(kind: object, data: Any) -> Verdict:  # noqa: ANN401 - JSON
    fields = data if isinstance(data, dict) else {}
    match kind:
        case "disconnect-bot":
            return Leave()
        case "dtmf":
            return _keys(fields.get("buttons", [fields.get("button")]))
        case "send-text":
            text = fields.get("content")
            if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT:
                return Drop("text")
            return Pass("send-text")
        case str() if kind in _PASSED:
            return Pass(kind)
        case _:
            return Drop("kind")


def _keys(buttons: object) -> Verdict:
    if not isinstance(buttons, list) or not 0 < len(buttons) <= BURST:
        return Drop("keys")
    if not all(isinstance(button, str) and button in _KEYS and len(button) == 1 for button in buttons):
        return Drop("keys")
    return Press("".join(buttons))
