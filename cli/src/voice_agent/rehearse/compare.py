"""Compare a turn with what its rehearsal expects.

A miss is of the wire (no reply, a lost call) or of the model (another tool, other words). The wire must work in every
conversation; the model is measured in rates, because it answers differently each time.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from standins.speech import contains
from voice_agent.rehearse.observed import Observed, ObservedTurn, ToolUse
from voice_agent.rehearse.rehearsals import NO_TOOL, Expectation

type Kind = Literal["wire", "model"]

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK: Final = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*([ap])?\.?(?:m\.?)?")
_NOON: Final = 12


@dataclass(frozen=True)
class Miss:
    """One expectation that was not met."""

    kind: Kind
    expectation: str
    """The key of the rehearsal, such as `tool`."""
    text: str

    def __str__(self) -> str:
        """Return a sentence that names the expectation."""
        return f"{self.expectation}: {self.text}"


def compare(expect: Expectation, turn: ObservedTurn, whole: Observed, *, last: bool, today: date) -> list[Miss]:
    """Return what is not as expected in a turn.

    Args:
        expect: The expectation.
        turn: What happened.
        whole: The conversation.
        last: Whether it is the last turn; only this one may end the conversation.
        today: The day on which it was held, for weekdays.
    """
    missed = [*_wire(expect, turn, whole, last=last)]
    # Without a view inside, an expectation is not missed but not judged.
    if whole.sees_inside:
        missed += _tools(expect, turn.tools, today)
        missed += [_words("hears", word, turn.heard) for word in expect.hears if not contains(turn.heard, word)]
    if whole.sees_inside or turn.said:
        missed += [_words("says", word, turn.said) for word in expect.says if not contains(turn.said, word)]
    if expect.within is not None and turn.wait is not None and turn.wait > expect.within:
        missed.append(Miss("model", "within", f"the reply began after {turn.wait:.1f} s, expected {expect.within:g} s"))
    return missed


def compare_whole(whole: Observed, *, killed: bool = False) -> list[Miss]:
    """Return what is wrong with the conversation as a whole.

    Args:
        whole: The conversation.
        killed: Whether its first task was killed. Another one writes the record that it owes, after a minute or two.
    """
    missed = [Miss("wire", "call", whole.failure)] if whole.failure else []
    if not whole.greeting and not whole.failure:
        missed.append(Miss("wire", "greeting", "the agent did not speak first"))
    if whole.records is None or whole.conversations is None or whole.failure:
        return missed
    # A kill that came too late would prove nothing, and pass.
    if killed and whole.conversations == 1:
        missed.append(Miss("wire", "killed", "the task that held this conversation was not killed"))
    if whole.records != whole.conversations - killed:
        missed.append(Miss("wire", "record", f"{whole.conversations} conversations wrote {whole.records} end records"))
    return missed


def _wire(expect: Expectation, turn: ObservedTurn, whole: Observed, *, last: bool) -> list[Miss]:
    missed = []
    if turn.wait is None and not expect.transfer and not whole.failure:
        missed.append(Miss("wire", "reply", "nothing was heard after the caller's words"))
    if expect.transfer and not whole.transferred:
        # An agent that called no one has understood something else, and the line is in order.
        tried = bool(turn.transfer) or not whole.sees_inside
        missed.append(Miss("wire" if tried else "model", "transfer", "the caller was not connected with a person"))
    elif expect.transfer and whole.sees_inside and not _same_word(expect.transfer, turn.transfer):
        missed.append(Miss("model", "transfer", f"expected {expect.transfer}, called {turn.transfer or 'no one'}"))
    # Only the service's own log says so; from outside a deployment it stays open.
    if expect.stage and turn.stage and turn.stage != expect.stage:
        missed.append(Miss("model", "stage", f"expected {expect.stage}, the conversation is in {turn.stage}"))
    if expect.ends and not whole.ended_by_agent:
        missed.append(Miss("wire", "ends", "the agent did not end the conversation"))
    if last and whole.ended_by_agent and not expect.ends and not expect.transfer:
        missed.append(Miss("model", "ends", "the agent ended the conversation"))
    return missed


def _tools(expect: Expectation, used: Sequence[ToolUse], today: date) -> list[Miss]:
    names = ", ".join(dict.fromkeys(use.name for use in used))
    if expect.tool == NO_TOOL:
        return [Miss("model", "tool", f"expected none, called {names}")] if used else []
    if not expect.tool:
        return []
    missing = [name for name in expect.before if not any(use.name == name for use in used)]
    if missing:
        return [Miss("model", "tool", f"expected {missing[0]}, called {names or 'none'}")]
    named = [use for use in used if use.name == expect.tool]
    if not named:
        return [Miss("model", "tool", f"expected {expect.tool}, called {names or 'none'}")]
    # One fitting call is enough: a model may correct itself within a turn.
    if any(_fits(expect.arguments, use.arguments, today) for use in named):
        return []
    use = named[-1]
    wrong = [
        f"{name} is {use.arguments.get(name)!r}, expected {value!r}"
        for name, value in expect.arguments.items()
        if not same(value, use.arguments.get(name), today)
    ]
    return [Miss("model", "with", f"{expect.tool}: {'; '.join(wrong)}")]


def _fits(expected: Mapping[str, object], used: Mapping[str, object], today: date) -> bool:
    return all(same(value, used.get(name), today) for name, value in expected.items())


def same(expected: object, used: object, today: date) -> bool:
    """Return whether an argument means what is expected, as “friday” and its date do, or “20:00” and “8 pm”."""
    if isinstance(expected, Mapping):
        return isinstance(used, Mapping) and _fits(expected, used, today)
    if isinstance(expected, list | tuple):
        members = used if isinstance(used, list | tuple) else []
        return all(any(same(value, member, today) for member in members) for value in expected)
    # In Python True is 1, but a model that sends 1 for a flag has misunderstood the schema.
    if isinstance(expected, bool) or isinstance(used, bool) or used is None:
        return expected is used
    one, other = str(expected).strip().casefold(), str(used).strip().casefold()
    return (
        one == other
        or _number(one) == _number(other) != ""
        or _date(one, today) == _date(other, today) != ""
        or (_clock(one) == _clock(other) != "")
    )


def _number(text: str) -> str:
    try:
        return f"{float(text):g}"
    except ValueError:
        return ""


def _date(text: str, today: date) -> str:
    if text in _WEEKDAYS:
        return (today + timedelta((_WEEKDAYS.index(text) - today.weekday()) % 7)).isoformat()
    if text in ("today", "tomorrow"):
        return (today + timedelta(text == "tomorrow")).isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _clock(text: str) -> str:
    found = _CLOCK.fullmatch(text)
    # A bare number is no time: "8" must not be the same as "08:00" people.
    if found is None or not (found[2] or found[3]):
        return ""
    hour = int(found[1])
    hour = hour % _NOON + (_NOON if found[3] == "p" else 0) if found[3] else hour
    return f"{hour:02}:{found[2] or '00'}"


def _words(key: str, word: str, text: str) -> Miss:
    who = "understood" if key == "hears" else "said"
    return Miss("model", key, f"expected {word!r}, the agent {who} {text!r}")


def _same_word(expected: str, used: str) -> bool:
    return expected.strip().casefold() == used.strip().casefold()
