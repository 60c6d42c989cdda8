"""What real models occasionally write, on demand: odd arguments, repeated tools, unknown values."""

import asyncio
import json
from typing import Any

import pytest

from standins.nova.faults import TOOL_XML, FaultPlan, ModelFault
from standins.nova.pace import Pace
from standins.nova.tones import ToneSentence, ToneStarted, Use
from tests.unit.standins.test_nova_turns import LONG, Bench, bench

OSLO = {"location": "Oslo"}


def faulty(*steps: ToneSentence | Use, pace: Pace | None = None, **fault: Any) -> Bench:  # noqa: ANN401 - JSON
    """Start a conversation with one fault and ask it a question."""
    plan = FaultPlan()
    plan.add(ModelFault.model_validate(fault))
    case = bench(*steps, faults=plan, pace=pace)
    case.turns.read("hello")
    return case


async def answered(case: Bench) -> list[tuple[str, str]]:
    """Return every tool use until the turn is over, answer it, and return its name and toolUseId."""
    async with asyncio.timeout(5):
        while not any(name == "usageEvent" for name, _ in case.sent):
            await asyncio.sleep(0.01)
            for run in case.record.tools:
                if run.result is None:
                    case.turns.take_result(run.tool_use_id, {"ok": True})
    return uses(case)


def uses(case: Bench) -> list[tuple[str, str]]:
    """Return name and toolUseId of each tool use that was written."""
    return [(body["toolName"], body["toolUseId"]) for name, body in case.sent if name == "toolUse"]


@pytest.mark.parametrize(
    ("action", "content"),
    [
        ("double_encoded", json.dumps(json.dumps(OSLO))),
        ("object_arguments", OSLO),
        ("empty_arguments", ""),
        ("malformed_arguments", '{"location": "Oslo"'),
    ],
)
async def test_arguments_can_be_spelt_as_no_client_expects(action: str, content: object) -> None:
    """A script spells arguments oddly once, and the turn continues with the result."""
    case = faulty(Use("weather", OSLO), Use("weather", OSLO), on="tool_use", action=action)
    await answered(case)
    assert [body["content"] for name, body in case.sent if name == "toolUse"] == [content, json.dumps(OSLO)]
    assert case.answers.received[1] == ("weather", OSLO, {"ok": True})


async def test_a_tool_can_be_asked_for_twice_in_one_turn() -> None:
    """A tool can be called twice in one turn, with two IDs, two results and one reply."""
    case = faulty(Use("weather", OSLO), on="tool_use", action="two_uses")
    (_, first), (_, second) = uses(case) or await _written(case, 2)
    assert first != second
    case.turns.take_result(first, {"a": 1})
    await asyncio.sleep(0.05)
    assert not any(name == "audioOutput" for name, _ in case.sent)
    case.turns.take_result(second, {"b": 2})
    await case.until("usageEvent")
    assert case.answers.received[1:] == [("weather", OSLO, {"a": 1})]


async def test_a_tool_use_can_be_written_twice() -> None:
    """A tool use can be written twice with one ID, and one result is expected."""
    case = faulty(Use("weather", OSLO), on="tool_use", action="repeated_use")
    (_, first), (_, second) = await answered(case)
    assert first == second
    assert case.expected_results == [first]


async def _written(case: Bench, count: int) -> list[tuple[str, str]]:
    async with asyncio.timeout(5):
        while len(uses(case)) < count:  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.005)
    return uses(case)


async def test_a_model_can_ask_for_its_tool_again_and_again() -> None:
    """A model can repeat its tool call as often as the script says, and replies with the last result."""
    case = faulty(Use("weather", OSLO), on="tool_use", action="ask_again", times=3, after_ms=1)
    found = await answered(case)
    assert [name for name, _ in found] == ["weather"] * 4
    assert len({identifier for _, identifier in found}) == 4
    assert len(case.answers.received) == 2


async def test_a_loop_can_go_through_several_tools() -> None:
    """A loop calls the script's tools in rotation."""
    calls = [{"name": "transfer", "arguments": {"to": "desk"}}, {"name": "weather"}]
    case = faulty(Use("weather", OSLO), on="tool_use", action="ask_again", times=3, after_ms=1, calls=calls)
    assert [name for name, _ in await answered(case)] == ["weather", "transfer", "weather", "transfer"]
    assert case.record.tools[1].input == {"to": "desk"}


async def test_a_loop_has_no_end_of_its_own() -> None:
    """A loop with `times: null` lasts until the conversation is over."""
    case = faulty(Use("weather", OSLO), on="tool_use", action="ask_again", times=None, after_ms=1)
    for so_far in range(1, 12):
        (*_, (_, identifier)) = await _written(case, so_far)
        case.turns.take_result(identifier, {})
    assert not any(name == "audioOutput" for name, _ in case.sent)
    case.turns.close()
    await case.tasks.aclose()


async def test_a_fault_can_wait_for_a_result() -> None:
    """A fault can follow a valid tool result."""
    case = faulty(Use("weather", OSLO), on="tool_result", action="exception", error="validationException")
    await answered(case)
    assert [fault.action for fault in case.struck] == ["exception"]


async def test_a_tool_call_can_be_spoken() -> None:
    """A tool call can be spoken: XML instead of a toolUse, as text and as audio."""
    case = faulty(Use("weather", OSLO), on="answer", action="say")
    await case.until("usageEvent")
    assert [block[1] for block in case.blocks()] == [TOOL_XML, "", TOOL_XML]
    assert uses(case) == []


@pytest.mark.parametrize("reason", ["CONTENT_FILTERED", "PARTIAL_TURN"])
async def test_an_answer_can_end_for_an_unknown_reason(reason: str) -> None:
    """A reply can end with an unknown stop reason on its last audio block."""
    case = faulty(ToneSentence("One. Two!"), on="answer", action="stop_reason", stop_reason=reason)
    await case.until("usageEvent")
    assert [stop for kind, _, stop in case.blocks() if kind == "AUDIO"] == ["PARTIAL_TURN", reason]
    assert case.blocks()[-1] == ("TEXT", "Two!", "END_TURN")


async def test_an_answer_can_have_another_rate() -> None:
    """A reply can have another sample rate, which its block declares, with the same duration."""
    case = faulty(ToneSentence("One two three four five."), on="answer", action="other_rate", rate=24000)
    await case.until("usageEvent")
    start = await case.until("contentStart", type="AUDIO")
    assert start["audioOutputConfiguration"]["sampleRateHertz"] == 24000
    assert case.record.audio_seconds_out == pytest.approx(0.5)


async def test_usage_can_come_in_floats() -> None:
    """One usage report can have floats; the next has integers again."""
    case = faulty(ToneSentence("One."), on="answer", action="float_usage")
    usage = await case.until("usageEvent")
    numbers = [n for part in usage["details"].values() for way in part.values() for n in way.values()]
    assert {type(n) for n in (*numbers, usage["totalTokens"])} == {float}
    case.turns.close()
    assert type(case.sent[-2][1]["totalTokens"]) is int


async def test_an_interruption_can_come_without_blanks() -> None:
    """An interruption can be written as JSON without spaces."""
    case = faulty(ToneSentence(LONG), on="answer", action="bare_interruption", pace=Pace(speed=1.0, think=0.0))
    await case.until("audioOutput")
    case.turns.notice(ToneStarted())
    assert case.blocks()[-1] == ("TEXT", '{"interrupted":true}', "INTERRUPTED")
