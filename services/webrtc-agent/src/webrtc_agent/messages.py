"""Which messages of a visitor's page are passed on, without I/O.

RTVI lets a client do more than talk: inject sound, answer the tools in the model's place, upload files. Nothing of
that is this agent's, and every message costs, so only what a page needs is let through, and not faster than people
type.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent_core.credit import Credit

MAX_TEXT = 1000
"""Characters of one typed message: about a minute of speech."""
MAX_NAME = 64
"""Characters of a message's id, and of a client's version; clients use eight."""
BURST = 20
PER_SECOND = 5.0
"""Messages, and keys: as fast as people type."""
TEXT_BURST = 3 * MAX_TEXT
TEXT_PER_SECOND = 50.0
"""Typed characters: five times as fast as anybody types, with something pasted now and then. All of it is kept for a
while, sent to the model and paid for."""
UNANSWERED_SECONDS = 15.0
"""How long a typed text keeps the next one waiting, if the model never answers it."""
_LABEL = "rtvi-ai"
_KEYS = frozenset("0123456789*#")
_SWITCHES = ("run_immediately", "audio_response")


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
        answers: Tells how many answers have begun so far; without it every text counts as answered.
    """

    def __init__(self, clock: Callable[[], float], answers: Callable[[], int] | None = None) -> None:
        self._clock = clock
        self._answers = answers
        self._credit = Credit(clock, BURST, PER_SECOND)
        self._text = Credit(clock, TEXT_BURST, TEXT_PER_SECOND)
        self._asked: tuple[float, int] | None = None

    def judge(self, message: object) -> Verdict:
        """Judge one message, as it came out of its JSON."""
        if not self._credit.spend():
            return Drop("too_fast")
        verdict = _read(message)
        # Each key is a message to the model. Half a number would be another number, so all are dropped or none.
        if isinstance(verdict, Press) and not self._credit.spend(len(verdict.digits) - 1):
            return Drop("too_fast")
        if isinstance(message, dict) and verdict == Pass("send-text"):
            return self._judge_text(len(message["data"]["content"])) or verdict
        return verdict

    def _judge_text(self, characters: int) -> Drop | None:
        """Refuse a text while the one before has no answer, and what is more than anybody types."""
        if self._is_unanswered():
            return Drop("unanswered")
        if not self._text.spend(characters):
            return Drop("too_much_text")
        if self._answers is not None:
            self._asked = self._clock(), self._answers()
        return None

    def _is_unanswered(self) -> bool:
        if self._asked is None or self._answers is None:
            return False
        asked_at, answers = self._asked
        return self._answers() == answers and self._clock() - asked_at < UNANSWERED_SECONDS


def _read(message: object) -> Verdict:
    if not isinstance(message, dict) or message.get("label") != _LABEL:
        return Drop("not_rtvi")
    if not _is_text(message.get("id"), MAX_NAME):
        return Drop("id")
    return _judge(message.get("type"), message.get("data"))


def _judge(kind: object, data: Any) -> Verdict:  # noqa: ANN401 - JSON
    """Judge what a message holds. What does not fit its kind would be quoted in Pipecat's complaint about it."""
    if not isinstance(data, dict | None):
        return Drop("data")
    fields = data or {}
    match kind:
        case "disconnect-bot":
            return Leave()
        case "dtmf":
            return _keys(fields.get("buttons", [fields.get("button")]))
        case "send-text":
            is_fit = _is_text(fields.get("content"), MAX_TEXT) and _are_options(fields.get("options"))
            return Pass("send-text") if is_fit else Drop("text")
        case "client-ready":
            version = fields.get("version")
            return Pass("client-ready") if version is None or _is_text(version, MAX_NAME) else Drop("version")
        case _:
            return Drop("kind")


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= longest and _encodes(value)


def _encodes(text: str) -> bool:
    """Tell half a character, which JSON can name but nobody can send on."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _are_options(value: object) -> bool:
    return value is None or (
        isinstance(value, dict) and all(isinstance(value.get(switch, True), bool) for switch in _SWITCHES)
    )


def _keys(buttons: object) -> Verdict:
    if not isinstance(buttons, list) or not 0 < len(buttons) <= BURST:
        return Drop("keys")
    if not all(isinstance(button, str) and button in _KEYS and len(button) == 1 for button in buttons):
        return Drop("keys")
    return Press("".join(buttons))
