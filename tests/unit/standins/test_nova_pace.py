"""The timing of replies: the field profile keeps to measured figures, in virtual time."""

import asyncio
from itertools import accumulate, islice

import pytest

from standins.nova.pace import FIELD, QUICK
from standins.nova.tones import ToneSentence, Turn, Use
from tests.unit.standins.test_nova_turns import LONG, Bench, bench


def times(case: Bench, name: str, begun: float) -> list[float]:
    """Return when each event of a kind was written, in seconds after `begun`."""
    return [at - begun for (kind, _), at in zip(case.sent, case.moments, strict=True) if kind == name]


def test_the_fields_cadence_adds_up() -> None:
    """The field profile averages five times real time with gaps of 0.4 s, and empties an unbuffered player."""
    waits = list(islice(FIELD.waits(), 40))
    assert 40 * FIELD.chunk / sum(waits) == pytest.approx(5)
    assert max(waits) == 0.4
    assert waits.count(0.0) > 30
    arrivals = [0.0, *accumulate(waits)][:40]
    late = max(arrival - index * FIELD.chunk for index, arrival in enumerate(arrivals))
    assert late == pytest.approx(0.16)


def test_a_quick_pace_is_even() -> None:
    """A quick pace is even: one chunk after the other at its default or the requested speed."""
    assert set(islice(QUICK.waits(), 50)) == {QUICK.chunk / QUICK.speed}
    assert set(islice(FIELD.waits(10), 50)) == {0.008}


async def test_an_answer_with_a_tool_comes_as_measured() -> None:
    """A reply with a tool of 3 ms has the measured times of Nova 2.5: tool use, first text, first audio."""
    case, begun = bench(Use("weather", {}), pace=FIELD), asyncio.get_running_loop().time()
    case.turns.notice(Turn("question"))
    use = await case.until("toolUse")
    case.turns.take_result(use["toolUseId"], {})
    await case.until("usageEvent")
    _, text, *_ = times(case, "textOutput", begun)
    assert 0.26 < times(case, "toolUse", begun)[0] < 0.32
    assert 0.61 < text < 0.66
    assert 0.73 < times(case, "audioOutput", begun)[0] < 0.79


async def test_an_answer_in_words_comes_in_bursts() -> None:
    """A reply comes in bursts of 0.24 s and 0.8 s, and its words are final when it has played."""
    case, begun = bench(ToneSentence(LONG), pace=FIELD), asyncio.get_running_loop().time()
    case.turns.read("question")
    await case.until("usageEvent")
    audio = times(case, "audioOutput", begun)
    assert len(audio) == 50
    assert audio[2] - audio[0] < 0.1
    assert 0.38 < audio[3] - audio[2] < 0.5
    assert audio[12] - audio[3] < 0.1
    assert times(case, "usageEvent", begun)[0] - audio[0] > 4.0
