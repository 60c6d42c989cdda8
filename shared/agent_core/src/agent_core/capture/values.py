"""Keep the values that one conversation captures, and decide what follows from each attempt. No I/O, no clock.

An attempt is what the caller said once. The first is read back; after one that was not understood or was refused, the
caller is asked to spell it, then to type it, then the agent continues without it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal

from agent_core.capture.errors import NotUnderstood
from agent_core.capture.kinds import CAPTURE, KINDS, MAX_HANDLE, Kind, as_value
from agent_core.capture.reading import Reader
from agent_core.capture.spelling import spelled
from agent_core.sentence import Sentence
from agent_core.sentences import Sentences

MAX_VALUES: Final = 16
"""Values of one conversation; people give two or three."""
MAX_MISSES: Final = 4
"""Attempts for one value that fail before the agent continues without it."""
_BY_TYPING: Final = 2
"""Failed attempts after which the caller is asked to type."""
MAX_TEXT: Final = 300
"""Characters of a stored value."""

type Stored = tuple[tuple[str, str, str, int, str], ...]
"""Captured values as the state of a call keeps them: the fields of `Value` in order."""


type State = Literal["open", "check", "heard", "used"]
_STATES: Final[Mapping[str, State]] = {"open": "open", "check": "check", "heard": "heard", "used": "used"}


@dataclass(frozen=True, slots=True)
class Value:
    """One value.

    Attributes:
        handle: What the model calls it, such as ``email_1``.
        kind: What it is.
        text: In its normal form; empty until an attempt was understood. While it is open, only a base for corrections.
        misses: Attempts that were not understood or were refused.
        state: ``open``; ``check``: it is being read back; ``heard``: the caller has spoken since; ``used`` by a tool.
    """

    handle: str
    kind: Kind
    text: str = ""
    misses: int = 0
    state: State = "open"

    @property
    def is_heard(self) -> bool:
        """Whether a tool may receive it."""
        return self.state in ("heard", "used")


class HandleRefused(Exception):
    """A tool cannot receive the value of a handle.

    Args:
        code: A constant for the model.
        advice: What the model should do; contains no value.
    """

    def __init__(self, code: str, advice: str) -> None:
        super().__init__(code)
        self.code = code
        self.advice = advice


class Captures:
    """The values of one conversation.

    Args:
        reader: Reads them, in the agent's language.
        sentences: In the agent's language.
        today: Returns the day at the place of the agent, each time it matters.
        has_keypad: Whether the caller has a telephone's keypad; otherwise they can write.
        stored: The values of the conversation's earlier parts.
        on_change: Called with all values after each change; must not block.
        want_keys: Called with True when the next keys are a value, and with False when they are not any longer.
    """

    def __init__(  # noqa: PLR0913 - what differs between conversations
        self,
        reader: Reader,
        sentences: Sentences,
        today: Callable[[], date],
        *,
        has_keypad: bool = False,
        stored: Sequence[Sequence[Any]] = (),
        on_change: Callable[[Stored], None] = lambda _: None,
        want_keys: Callable[[bool], object] = lambda _: None,
    ) -> None:
        self._reader = reader
        self._say = sentences
        self._today = today
        self._has_keypad = has_keypad
        self._values = {value.handle: value for value in restored(stored)}
        self._on_change = on_change
        self._want_keys = want_keys
        self._by_keys: str | None = None
        """Handle of the value that the caller is typing."""

    @property
    def known(self) -> str:
        """The handles and their kinds, for the model; empty if there are none. Contains no value."""
        return _listed(self._values.values())

    def new_turn(self) -> None:
        """Record that the caller speaks or writes: what was read back before can be used now."""
        for value in list(self._values.values()):
            if value.state == "check":
                self._keep(replace(value, state="heard"))

    def take(self, kind: Kind, heard: str, handle: str = "") -> dict[str, Any]:
        """Take what the caller said; return what the model receives.

        Args:
            kind: What was asked for.
            heard: The caller's words; empty if they only said that the value is wrong.
            handle: Of the value that is corrected; empty for the current one of this kind, or a new one.

        Raises:
            HandleRefused: the conversation has too many values, or the handle is of another kind.
        """
        value = self._value_for(kind, handle.strip())
        try:
            text = self._read(value, heard) if heard.strip() else ""
        except NotUnderstood:
            text = ""
        if not text:
            return self._missed(value)
        if text == value.text and value.is_heard:
            return self._result(value, "captured")
        # A value that is replaced was wrong, which is one failed attempt.
        misses = value.misses + bool(value.text and text != value.text)
        return self._read_back(replace(value, text=text, misses=misses))

    def typed(self, keys: str) -> dict[str, Any] | None:
        """Take the keys that the caller typed as a value; return what the model receives.

        Args:
            keys: Digits; empty if the caller cancelled.

        Returns:
            None if no value was awaited.
        """
        value = self._values.get(self._by_keys or "")
        self._by_keys = None
        if value is None:
            return None
        if not keys:
            return self._given_up(value)
        try:
            text = self._reader.typed(value.kind, keys, self._today())
        except NotUnderstood:
            return self._missed(value)
        return self._read_back(replace(value, text=text))

    def value(self, kind: Kind, handle: str) -> str | date:
        """Return the value of a handle, for a tool.

        Raises:
            HandleRefused: there is no such value, or the caller has not heard it yet.
        """
        value = self._values.get(handle.strip())
        if value is None:
            # A model that has lost its handle in a renewal may send the value, which it has read back before.
            value = next((one for one in self._values.values() if one.text and one.text == handle.strip()), None)
        if value is None or value.kind != kind or value.state == "open":
            known = f"The handles so far: {self.known}. " if self.known else ""
            advice = f"{known}Call {CAPTURE} with kind {kind} and what the caller said, or ask the caller for it first."
            raise HandleRefused("no_such_handle", advice)
        if not value.is_heard:
            raise HandleRefused(
                "not_read_back", f"Say exactly this sentence, and wait for the answer: {self._check(value)}"
            )
        if value.state != "used":
            self._keep(replace(value, state="used"))
        return as_value(kind, value.text)

    def _value_for(self, kind: Kind, handle: str) -> Value:
        named = self._values.get(handle)
        if named is not None:
            if named.kind != kind:
                raise HandleRefused("other_kind", f"{handle} is of kind {named.kind}; leave handle out for a new one.")
            return named
        same = [one for one in self._values.values() if one.kind == kind]
        # The caller is still about this one, unless a tool has it already.
        if same and same[-1].state != "used" and not handle:
            return same[-1]
        if len(self._values) >= MAX_VALUES:
            raise HandleRefused("too_many_values", "Go on with the values that you have.")
        return Value(f"{kind}_{len(same) + 1}", kind)

    def _read(self, value: Value, heard: str) -> str:
        if value.text:
            return self._reader.correct(value.kind, value.text, heard, self._today())
        return self._reader.read(value.kind, heard, self._today())

    def _read_back(self, value: Value) -> dict[str, Any]:
        self._stop_keys()
        value = replace(value, state="check")
        self._keep(value)
        return self._result(value, "check", self._check(value))

    def _check(self, value: Value) -> str:
        text = spelled(value.kind, value.text, self._reader.words, fully=value.misses > 0)
        return self._say.say(Sentence.CAPTURE_CHECK, value=text)

    def _missed(self, value: Value) -> dict[str, Any]:
        value = replace(value, misses=value.misses + 1, state="open")
        if value.misses >= MAX_MISSES:
            return self._given_up(value)
        self._keep(value)
        if value.misses < _BY_TYPING:
            self._stop_keys()
            by_part = Sentence.CAPTURE_DATE if value.kind == "date" else Sentence.CAPTURE_SPELL
            return self._result(value, "spell", self._say[by_part])
        return self._by_typing(value)

    def _given_up(self, value: Value) -> dict[str, Any]:
        self._stop_keys()
        # Asked for again later, it starts anew.
        self._keep(Value(value.handle, value.kind))
        return self._result(value, "failed", self._say[Sentence.CAPTURE_FAILED])

    def _by_typing(self, value: Value) -> dict[str, Any]:
        if not self._has_keypad:
            return self._result(value, "type", self._say[Sentence.CAPTURE_TYPE])
        if not self._reader.has_keys(value.kind):
            # A keypad has no letters that people would find.
            return self._result(value, "spell", self._say[Sentence.CAPTURE_WORDS])
        self._by_keys = value.handle
        self._want_keys(True)  # noqa: FBT003 - a callback
        by_keys = Sentence.CAPTURE_KEYS_DATE if value.kind == "date" else Sentence.CAPTURE_KEYS
        return self._result(value, "keypad", self._say[by_keys])

    def _stop_keys(self) -> None:
        if self._by_keys is not None:
            self._by_keys = None
            self._want_keys(False)  # noqa: FBT003 - a callback

    def _result(self, value: Value, status: str, speak: str = "") -> dict[str, Any]:
        advice = _NEXT[status].format(handle=value.handle, kind=value.kind)
        said = {"speak": speak} if speak else {}
        return {"status": status, "handle": value.handle, **said, "next": advice}

    def _keep(self, value: Value) -> None:
        self._values[value.handle] = value
        self._on_change(tuple((one.handle, one.kind, one.text, one.misses, one.state) for one in self._values.values()))


_NEXT: Final[Mapping[str, str]] = {
    "check": "Say it exactly as it is. After a yes, pass {handle} on. After a correction, call "
    + CAPTURE
    + " with kind {kind}, handle {handle} and what the caller said; after a plain no, with heard left empty.",
    "captured": "Pass {handle} to the tool that takes it.",
    "spell": "When the caller has spelled it, call "
    + CAPTURE
    + " with kind {kind}, handle {handle} and every letter and word.",
    "type": "When the caller has written it, call " + CAPTURE + " with kind {kind}, handle {handle} and the text.",
    "keypad": "Wait until the caller has typed it; you then get a message. If they say it, call "
    + CAPTURE
    + " with kind {kind} and handle {handle}.",
    "failed": "Go on without it, or offer what else you can do.",
}


def known_handles(stored: Sequence[Sequence[Any]]) -> str:
    """Return the handles and kinds of stored values, for the model; empty if there are none. Contains no value."""
    return _listed(restored(stored))


def _listed(values: Iterable[Value]) -> str:
    return ", ".join(f"{one.handle} ({one.kind})" for one in values if one.state != "open")


def restored(stored: Sequence[Sequence[Any]]) -> list[Value]:
    """Return the values that another task has stored; what this version cannot read is left out."""
    found = []
    for one in list(stored)[:MAX_VALUES]:
        match one:
            case [str(handle), str(kind), str(text), int(misses), str(state)] if kind in KINDS and state in _STATES:
                found.append(Value(handle[:MAX_HANDLE], kind, text[:MAX_TEXT], misses, _STATES[state]))
    return found
