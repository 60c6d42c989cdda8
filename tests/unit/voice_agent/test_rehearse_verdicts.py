"""What happened in a conversation is compared with its rehearsal: the wire is hard, the model is a rate."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from voice_agent.rehearse.compare import same
from voice_agent.rehearse.conditions import MATRIX
from voice_agent.rehearse.observed import Observed, ObservedTurn, ToolUse
from voice_agent.rehearse.rates import rates
from voice_agent.rehearse.rehearsals import Expectation, Rehearsal, Turn
from voice_agent.rehearse.verdict import Verdict, judge

_WEDNESDAY = date(2026, 12, 2)
_BOOKED = ToolUse("book_table", {"people": 2, "day": "2026-12-04", "time": "20:00"}, {"status": "booked"})


def _rehearsal(*expected: Expectation) -> Rehearsal:
    turns = tuple(Turn(f"turn {number}", "", expect, number) for number, expect in enumerate(expected, start=1))
    return Rehearsal("a table", turns, Path("a.yaml"))


def _seen(**changed: Any) -> ObservedTurn:  # noqa: ANN401 - fields of a turn
    values: dict[str, Any] = {"heard": "a table for two on friday", "said": "Your table is booked.", "wait": 1.2}
    return ObservedTurn(**(values | {"tools": [_BOOKED]} | changed))


def _misses(expect: Expectation, seen: ObservedTurn, **whole: Any) -> list[str]:  # noqa: ANN401 - fields of a conversation
    verdict = judge(_rehearsal(expect), Observed([seen], **whole), today=_WEDNESDAY)
    return [f"{miss.kind} {miss}" for miss in verdict.all_misses]


@pytest.mark.parametrize(
    ("expected", "used", "agree"),
    [
        ("friday", "Friday", True),
        ("friday", "2026-12-04", True),
        ("friday", "2026-12-11", False),
        ("tomorrow", "2026-12-03", True),
        ("2026-12-04", "friday", True),
        ("20:00", "8 pm", True),
        ("20:00", "8:00 p.m.", True),
        ("20:00", "08:00", False),
        (2, "2", True),
        (2, 2.0, True),
        (2, 3, False),
        (8, "08:00", False),
        (True, True, True),
        (True, "true", False),
        (1, True, False),
        ("x", None, False),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"b": 2}, False),
        (["a"], ["b", "A"], True),
        (["a"], "a", False),
    ],
)
def test_an_argument_is_compared_by_its_meaning(expected: object, used: object, agree: bool) -> None:  # noqa: FBT001 - a case
    """A model writes a weekday as a word or as a date, and a time in several ways."""
    assert same(expected, used, _WEDNESDAY) is agree


def test_a_turn_as_expected_has_no_miss() -> None:
    """Tool, arguments, words of both sides and the wait agree."""
    expect = Expectation(
        "book_table", {"people": 2, "day": "friday"}, hears=("two", "Friday"), says=("booked",), within=3.0
    )
    assert _misses(expect, _seen()) == []


@pytest.mark.parametrize(
    ("expect", "seen", "miss"),
    [
        (Expectation("cancel_booking"), {}, "model tool: expected cancel_booking, called book_table"),
        (Expectation("book_table"), {"tools": []}, "model tool: expected book_table, called none"),
        (Expectation("none"), {}, "model tool: expected none, called book_table"),
        (
            Expectation("book_table", {"people": 3, "day": "friday"}),
            {},
            "model with: book_table: people is 2, expected 3",
        ),
        (Expectation(hears=("four",)), {}, "model hears: expected 'four', the agent understood"),
        (Expectation(says=("cancelled",)), {}, "model says: expected 'cancelled', the agent said"),
        (Expectation(within=1.0), {}, "model within: the reply began after 1.2 s, expected 1 s"),
        (Expectation(), {"wait": None}, "wire reply: nothing was heard after the caller's words"),
        (
            Expectation(transfer="host"),
            {"transfer": "host"},
            "wire transfer: the caller was not connected with a person",
        ),
        (Expectation(transfer="host"), {}, "model transfer: the caller was not connected with a person"),
        (Expectation(ends=True), {}, "wire ends: the agent did not end the conversation"),
    ],
)
def test_each_miss_names_its_expectation(expect: Expectation, seen: dict[str, Any], miss: str) -> None:
    """A reader knows from one line what to look at."""
    (found,) = _misses(expect, _seen(**seen))
    assert found.startswith(miss)


def test_a_corrected_call_counts() -> None:
    """A model may correct itself within a turn."""
    wrong = ToolUse("book_table", {"people": 3})
    assert _misses(Expectation("book_table", {"people": 2}), _seen(tools=[wrong, _BOOKED])) == []


def test_the_person_of_a_transfer_is_compared() -> None:
    """A transfer to another person is a miss of the model, and not of the wire."""
    seen = _seen(wait=None, transfer="kitchen")
    assert _misses(Expectation(transfer="host"), seen, transferred=True) == [
        "model transfer: expected host, called kitchen"
    ]
    assert _misses(Expectation(transfer="kitchen"), seen, transferred=True) == []


def test_an_agent_that_hangs_up_unasked_is_a_miss() -> None:
    """The caller did not say goodbye."""
    assert _misses(Expectation(), _seen(), ended_by_agent=True) == ["model ends: the agent ended the conversation"]


def test_a_conversation_writes_one_end_record() -> None:
    """No record, and two records, are misses of the wire."""
    assert _misses(Expectation(), _seen(), records=1, conversations=1) == []
    for records in (0, 2):
        (miss,) = _misses(Expectation(), _seen(), records=records, conversations=1)
        assert miss == f"wire record: 1 conversations wrote {records} end records"


def test_of_a_deployment_only_the_audio_is_judged() -> None:
    """Tools cannot be seen from outside; words of the reply are those that a recogniser heard."""
    expect = Expectation("cancel_booking", hears=("nine",), says=("booked",))
    seen = _seen(heard="", tools=[])
    assert _misses(expect, seen, sees_inside=False) == []
    (miss,) = _misses(expect, _seen(said="We are closed."), sees_inside=False)
    assert miss.startswith("model says")


def test_a_turn_that_was_not_reached_fails() -> None:
    """A call that breaks off fails with its cause, and each later turn says that it was not reached."""
    whole = Observed([_seen()], failure="the call did not end as it should")
    verdict = judge(_rehearsal(Expectation(), Expectation()), whole, today=_WEDNESDAY)
    assert [str(miss) for miss in verdict.all_misses] == [
        "reached: the turn was not reached",
        "call: the call did not end as it should",
    ]
    assert not verdict.wire_ok


def test_a_killed_task_leaves_its_record_to_another() -> None:
    """The task that continues writes one; a conversation that was not killed proves nothing."""
    assert _under("killed task", _seen(), records=1, conversations=2).passed
    assert not _under("killed task", _seen(), records=0, conversations=2).wire_ok
    (miss,) = _under("killed task", _seen(), records=0, conversations=1).all_misses
    assert str(miss) == "killed: the task that held this conversation was not killed"


def _under(condition: str, *turns: ObservedTurn, **whole: Any) -> Verdict:  # noqa: ANN401 - fields of a conversation
    booked = Expectation("book_table", {"people": 2}, says=("booked",), within=0.1)
    rehearsal = _rehearsal(*[booked for _ in turns])
    return judge(rehearsal, Observed([*turns], **whole), today=_WEDNESDAY, condition=MATRIX[condition])


def test_a_late_reply_counts_in_quiet_only() -> None:
    """A disturbed conversation may take longer."""
    assert not _under("quiet", _seen()).passed
    assert _under("noise", _seen()).passed


def test_a_barge_in_must_silence_the_agent() -> None:
    """The words of the reply that was cut short do not count."""
    assert _under("barge-in", _seen(said="Your", stopped=0.3), _seen()).passed
    slow = _under("barge-in", _seen(said="Your", stopped=2.0), _seen())
    assert [str(miss) for miss in slow.all_misses] == [
        "barge-in: the agent continued for 2.0 s after the caller began to speak"
    ]


def test_a_silent_caller_must_be_asked() -> None:
    """Then the conversation continues as expected."""
    assert _under("silence", _seen(), asked_in_silence=True).passed
    assert not _under("silence", _seen()).wire_ok


def test_a_slow_tool_must_be_announced() -> None:
    """The caller hears something while the tool works."""
    assert _under("slow tool", _seen(covered=True)).passed
    assert not _under("slow tool", _seen(covered=False)).wire_ok


def test_a_dead_tool_lets_the_agent_apologise() -> None:
    """Afterwards it may say and ask anything, but it must speak."""
    sorry = _seen(said="That did not work.")
    assert _under("dead tool", sorry, _seen(said="Sorry.", tools=[])).passed
    assert not _under("dead tool", sorry, _seen(wait=None, tools=[])).wire_ok


def test_rates_are_counted_by_condition() -> None:
    """The wire and the model have separate figures."""
    good, wrong = _under("noise", _seen()), _under("noise", _seen(said="We are closed.", wait=3.0))
    lost = _under("silence", _seen(wait=None))
    noise, silence = rates([good, wrong, lost])
    assert (noise.condition, noise.held, noise.wire, noise.model, noise.median) == ("noise", 2, 2, 1, 2.1)
    assert (silence.wire, silence.model, silence.median) == (0, 1, None)
