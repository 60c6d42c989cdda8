"""Decide which messages of a visitor's page are accepted. No I/O.

RTVI lets a client do more than talk: inject audio, return tool results, upload files. This agent supports none of that,
and every message costs money, so only what a page needs is accepted, at most as fast as people type. A refused message
is answered with an ``error-response``, because its client may be waiting for a response.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent_core.sentence import Sentence
from agent_core.sentences import Sentences
from agent_core.token_bucket import TokenBucket

MAX_TEXT = 1000
"""Most characters of one typed message: about a minute of speech."""
MAX_NAME = 64
"""Most characters of a message's id, and of a client's version; clients use eight."""
BURST = 20
PER_SECOND = 5.0
"""Messages, and keys: as fast as people type."""
TEXT_BURST = 3 * MAX_TEXT
TEXT_PER_SECOND = 50.0
"""Typed characters: five times as fast as people type, with an occasional paste. All of it is kept for a while, sent to
the model and paid for.
"""
UNANSWERED_SECONDS = 15.0
"""How long a typed text blocks the next one if the model never replies to it."""
_LABEL = "rtvi-ai"
_KEYS = frozenset("0123456789*#")
_SWITCHES = ("run_immediately", "audio_response")
AUDIO_OUTPUT = "audio-output"
"""The only accepted ``client-message``: its data, ``{"enabled": bool}``, switches the agent's audio."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Accepted into the conversation."""

    kind: str


@dataclass(frozen=True, slots=True)
class Press:
    """Key presses, in order."""

    digits: str


@dataclass(frozen=True, slots=True)
class SetAudio:
    """Switches the agent's audio on or off; the conversation continues as text."""

    enabled: bool


@dataclass(frozen=True, slots=True)
class Leave:
    """The visitor ends the conversation."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Dropped silently; ``reason`` is a constant."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answered with an error; ``reason`` is a constant."""

    reason: str
    message_id: str


type Verdict = Pass | Press | SetAudio | Leave | Drop | Refuse

_FOR_VISITORS = {
    "too_fast": Sentence.MESSAGE_TOO_FAST,
    "text": Sentence.MESSAGE_LENGTH,
    "unanswered": Sentence.MESSAGE_UNANSWERED,
    "too_much_text": Sentence.MESSAGE_TOO_MUCH,
}
_FOR_DEVELOPERS = {
    "kind": "This agent does not take messages of this type.",
    "data": "The data of this message could not be read.",
    "version": "The version of this client could not be read.",
    "keys": f"A message of keys has 1 to {BURST} of 0-9, * and #.",
}
"""For what our own page never sends, so in English only."""


def error_response(refusal: Refuse, sentences: Sentences) -> dict[str, Any]:
    """Return the RTVI response to a refused message, in the visitor's language."""
    known = _FOR_VISITORS.get(refusal.reason)
    error = _FOR_DEVELOPERS[refusal.reason] if known is None else sentences.say(known, most=MAX_TEXT)
    return {"id": refusal.message_id, "label": _LABEL, "type": "error-response", "data": {"error": error}}


def audio_response(message_id: str, verdict: SetAudio) -> dict[str, Any]:
    """Return the RTVI response to a message that switched the audio."""
    data = {"t": AUDIO_OUTPUT, "d": {"enabled": verdict.enabled}}
    return {"id": message_id, "label": _LABEL, "type": "server-response", "data": data}


class MessageGuard:
    """Judges the messages of one visitor.

    Args:
        clock: Monotonic seconds.
        answers: Returns how many replies have started so far; without it every text counts as answered.
    """

    def __init__(self, clock: Callable[[], float], answers: Callable[[], int] | None = None) -> None:
        self._clock = clock
        self._answers = answers
        self._credit = TokenBucket(clock, BURST, PER_SECOND)
        self._text = TokenBucket(clock, TEXT_BURST, TEXT_PER_SECOND)
        self._asked: tuple[float, int] | None = None
        self._refusals = TokenBucket(clock, BURST, PER_SECOND)

    def judge(self, message: object) -> Verdict:
        """Return the verdict on one message, parsed from JSON."""
        if not isinstance(message, dict) or message.get("label") != _LABEL:
            verdict: Verdict = Drop("not_rtvi")
        elif not _is_text(message.get("id"), MAX_NAME):
            verdict = Drop("id")
        else:
            return self._answerable(message["id"], self._judge(message))
        # Charged too, or a client could send junk without limit.
        self._credit.spend()
        return verdict

    def _judge(self, message: dict[str, Any]) -> Verdict:
        if not self._credit.spend():
            return Drop("too_fast")
        verdict = _judge(message.get("type"), message.get("data"))
        # Each key is a message to the model. Half a number would be another number, so all keys are dropped or none.
        if isinstance(verdict, Press) and not self._credit.spend(len(verdict.digits) - 1):
            return Drop("too_fast")
        if verdict == Pass("send-text"):
            return self._judge_text(len(message["data"]["content"])) or verdict
        return verdict

    def _judge_text(self, characters: int) -> Drop | None:
        """Return why a text is refused: the one before is unanswered, or there are too many characters."""
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

    def _answerable(self, message_id: str, verdict: Verdict) -> Verdict:
        """Refuse instead of dropping, as long as the client does not cause more responses than it may send messages."""
        is_refused = isinstance(verdict, Drop) and self._refusals.spend()
        return Refuse(verdict.reason, message_id) if isinstance(verdict, Drop) and is_refused else verdict


def _judge(kind: object, data: Any) -> Verdict:  # noqa: ANN401 - JSON
    """Return the verdict on a message's content. Pipecat's log would quote content of the wrong type."""
    if not isinstance(data, dict | None):
        return Drop("data")
    fields = data or {}
    match kind:
        case "disconnect-bot":
            verdict: Verdict = Leave()
        case "dtmf":
            verdict = _keys(fields.get("buttons", [fields.get("button")]))
        case "send-text":
            is_fit = _is_text(fields.get("content"), MAX_TEXT) and _are_options(fields.get("options"))
            verdict = Pass("send-text") if is_fit else Drop("text")
        case "client-message" if fields.get("t") == AUDIO_OUTPUT:
            verdict = _audio(fields.get("d"))
        case "client-ready":
            version = fields.get("version")
            verdict = Pass("client-ready") if version is None or _is_text(version, MAX_NAME) else Drop("version")
        case _:
            verdict = Drop("kind")
    return verdict


def _audio(value: object) -> Verdict:
    enabled = value.get("enabled") if isinstance(value, dict) else None
    return SetAudio(enabled) if isinstance(enabled, bool) else Drop("data")


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= longest and _encodes(value)


def _encodes(text: str) -> bool:
    """Return False for a lone surrogate, which JSON can express but which cannot be sent on."""
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
