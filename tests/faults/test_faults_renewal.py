"""Faults 6 to 10 and 15 to 17: a conversation outlives its streams.

The stand-in's clock runs fast, and the one setting from which all limits of a renewal follow is scaled with it. Not
scaled are the model's speech, its deadlines, and the 0.25 s between two checks of the product.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent_core.announcements import Announcement
from agent_core.nova.credentials import CredentialSource
from agent_core.nova.wire import Role
from standins.nova.faults import ModelFault
from standins.nova.server import NovaSettings, NovaStandin
from tests.support import ledger
from tests.support.numbered import LOUD
from tests.support.score import Score, note, use
from tests.support.talk import Talk, client, talking
from tests.support.waiting import until

SCALE = 40
"""Eight minutes pass in twelve seconds."""
RENEW = 360 / SCALE
LATEST = 450 / SCALE


@pytest.fixture
def score() -> Score:
    """Return what the model plays: short notes unless a test wants more."""
    return Score()


@pytest_asyncio.fixture
async def nova(tmp_path: Path, score: Score) -> AsyncIterator[NovaStandin]:
    """Run the model with a fast clock."""
    settings = NovaSettings(certificates=tmp_path, keep_sound=True, clock_scale=SCALE)
    async with NovaStandin(settings, score.backend()) as running:
        yield running


@pytest.fixture
def talk(nova: NovaStandin, monkeypatch: pytest.MonkeyPatch) -> Talk:
    """Prepare a conversation."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "standin")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "standin-secret")
    return Talk(nova, client(nova, CredentialSource()), RENEW)


async def _greeted(talk: Talk) -> None:
    await until(lambda: bool(talk.agent_said()), 5)


async def _until_age(began: float, seconds: float) -> None:
    await asyncio.sleep(began + seconds - asyncio.get_running_loop().time())


def _ages(talk: Talk) -> list[float]:
    return [(record.ended_at or 0) - record.opened_at for record in talk.records()]


async def test_fault_06_the_model_ends_streams_after_eight_minutes(talk: Talk) -> None:
    """A conversation that is never quiet for long is renewed three times, and the model times out no stream."""
    async with talking(talk):
        await _greeted(talk)
        while talk.stats.renewals < 3:
            assert await talk.ask()
            await asyncio.sleep(0.5)
    assert talk.failure is None
    assert talk.stats.model_streams == 4
    assert all(record.end_reason == "session_end" for record in talk.records())
    assert max(_ages(talk)) <= LATEST + 2
    assert talk.phrases == []
    talk.balance()
    talk.nothing_was_torn()


async def test_fault_07_both_are_silent_across_the_limit(talk: Talk) -> None:
    """After a silence longer than a stream lives, the answer to the next question still uses the history."""
    async with talking(talk):
        await _greeted(talk)
        await talk.ask()
        await until(lambda: talk.stats.renewals >= 2, 40)
        await asyncio.sleep(0.5)
        await talk.ask()
    assert talk.failure is None
    last = talk.records()[-1]
    assert [role for role, _ in last.history][:1] == ["USER"]
    assert ("USER", "turn 1") in [tuple(words) for words in last.history]
    assert talk.phrases == []
    talk.balance()
    talk.nothing_was_torn()


async def test_fault_08_the_agent_speaks_across_the_limit(talk: Talk, score: Score) -> None:
    """A story that is still being spoken when the stream must be renewed is neither cut nor repeated."""
    talk.nova.clock.run_at(10)
    talk = Talk(talk.nova, talk.client, 36)
    began = asyncio.get_running_loop().time()
    async with talking(talk):
        await _greeted(talk)
        await _until_age(began, 15)
        await talk.ask()
        score.plan = lambda _turn: [note(400, 5500)]
        await _until_age(began, 35)
        await talk.speak(4.5)  # no takeover while the caller speaks
        await until(lambda: talk.stats.renewals >= 1, 20)
        assert talk.nova.ledger.streams_open == 2
        await until(lambda: talk.nova.ledger.streams_open == 1, 10)
        score.plan = lambda _turn: [note(800, 300)]
        await talk.ask()
    assert talk.failure is None
    assert talk.phrases == []
    assert [role for role, _ in talk.transcript.history].count(Role.USER) == 3
    talk.balance()
    talk.nothing_was_torn()


async def test_fault_08_the_caller_speaks_across_the_limit(talk: Talk) -> None:
    """A sentence that the caller is still saying at the renewal reaches the next stream whole, and is answered once."""
    async with talking(talk):
        await _greeted(talk)
        await asyncio.sleep(RENEW - 2)
        talk.amplitude = LOUD
        await until(lambda: talk.stats.renewals == 1, LATEST)
        await asyncio.sleep(0.5)
        answers = len(talk.agent_said())
        await talk.speak(0.5)
        await until(lambda: len(talk.agent_said()) > answers or len(talk.transcript.history) > 2, 10)
        await asyncio.sleep(2)
    assert talk.failure is None
    assert max(_ages(talk)) <= LATEST + 2
    assert [role for role, _ in talk.transcript.history].count(Role.USER) == 1
    talk.balance()


async def test_fault_08_a_tool_runs_across_the_limit(talk: Talk, score: Score) -> None:
    """The tool's result goes to the stream that asked for it, and is spoken."""
    talk.nova.clock.run_at(10)
    talk = Talk(talk.nova, talk.client, 36, tool_seconds=2.0)
    began = asyncio.get_running_loop().time()
    async with talking(talk):
        await _greeted(talk)
        await _until_age(began, 15)
        await talk.ask()
        score.plan = lambda _turn: [use("get_weather")]
        await _until_age(began, 35)
        await talk.speak(8.7)
        await until(lambda: talk.stats.renewals >= 1, 15)
        assert talk.nova.ledger.streams_open == 2
        await until(lambda: talk.nova.ledger.streams_open == 1, 15)
    assert talk.failure is None
    assert talk.agent_said()[-1].startswith("2000 Hz")
    assert talk.phrases == []
    talk.balance()
    talk.nothing_was_torn()


@pytest.mark.parametrize("error", ["ThrottlingException", "ServiceUnavailableException"])
async def test_fault_09_the_next_stream_fails_to_open_twice(talk: Talk, error: str) -> None:
    """The old stream continues, and the third attempt succeeds before it ends."""
    talk.nova.clock.run_at(SCALE / 2)
    talk = Talk(talk.nova, talk.client, RENEW * 2)
    async with talking(talk):
        await _greeted(talk)
        talk.nova.faults.add(ModelFault(on="open", times=2, error=error))
        while not talk.stats.renewals:
            await talk.ask()
            await asyncio.sleep(1.5)  # between two turns: the 0.7 s of quiet are not scaled
        await talk.ask()
    assert talk.failure is None
    assert talk.nova.ledger.streams_refused == 2
    assert talk.phrases == []
    assert max(_ages(talk)) < 960 / SCALE
    talk.balance()
    talk.nothing_was_torn()


async def test_fault_10_a_conversation_of_five_hundred_turns_is_renewed(talk: Talk) -> None:
    """Of a history of 60 KB, the next stream gets as much as it accepts, beginning with a caller's turn."""
    turns = [(Role.USER if n % 2 == 0 else Role.ASSISTANT, f"turn {n} " + "word " * 23) for n in range(20, 500)]
    talk = Talk(talk.nova, talk.client, RENEW, said_before=tuple(turns))
    assert sum(len(words) for _, words in turns) > 58_000
    async with talking(talk):
        await until(lambda: talk.stats.renewals >= 1, 20)
        await asyncio.sleep(0.5)
        await talk.ask()
    assert talk.failure is None
    history = talk.records()[-1].history
    assert history[0][0] == "USER"
    assert sum(len(words.encode()) for _, words in history) <= 10_000
    assert max(len(words.encode()) for _, words in history) <= 1000
    assert any(words.startswith("turn 499") for _, words in history)
    talk.balance()


@pytest.mark.parametrize("model", ["amazon.nova-sonic-v1:0", "amazon.nova-2-sonic-v1:0", "amazon.nova-2-5-sonic"])
async def test_fault_15_a_muted_caller_keeps_the_stream(talk: Talk, model: str) -> None:
    """A caller who sends no packet for one minute, and later for five, by the model's clock stays connected."""
    scale = SCALE if "nova-2-sonic" in model else 10
    talk.nova.clock.run_at(scale)
    talk = Talk(talk.nova, talk.client, 360 / scale, model=model)
    async with talking(talk):
        await _greeted(talk)
        await talk.ask()
        talk.muted = True
        await asyncio.sleep((60 if scale == 10 else 320) / scale + 3)
        talk.muted = False
        await talk.ask()
    assert talk.failure is None
    assert all(record.end_reason == "session_end" for record in talk.records())
    ledger.streams_are_closed(talk.nova.ledger, talk.model_sessions)
    talk.nothing_was_torn()


async def test_fault_04_instability_in_the_middle_of_an_answer_passes_without_a_word(talk: Talk, score: Score) -> None:
    """Both error texts for trouble of the model service lead to a new stream in two seconds, with no announcement."""
    score.plan = lambda turn: [note(400 + turn.number, 1500)]
    texts = (
        "System instability detected. Please retry your request.",
        "InternalErrorCode=531::RST_STREAM closed stream. HTTP/2 error code: NO_ERROR",
    )
    async with talking(talk):
        await _greeted(talk)
        for number, text in enumerate(texts, start=1):
            talk.nova.faults.add(
                ModelFault(on="answer", after_ms=100, action="exception", error="validationException", message=text)
            )
            await talk.speak()
            await until(lambda number=number: talk.stats.model_streams == 1 + number, 5)  # type: ignore[misc]
            await until(lambda number=number: len(talk.agent_said()) == 1 + number, 8)  # type: ignore[misc]
            lost, answered = talk.records()[-2], talk.records()[-1]
            assert answered.opened_at - (lost.ended_at or 0) < 2
    assert talk.failure is None
    assert talk.phrases == []
    talk.balance(outage_ms=2000)


async def test_fault_01_a_stream_that_ends_in_the_middle_of_an_answer(talk: Talk, score: Score) -> None:
    """The caller hears the hold announcement, then the whole answer; the next stream has the history."""
    score.plan = lambda turn: [note(400 + turn.number, 1500)]
    async with talking(talk):
        await _greeted(talk)
        await talk.ask()
        talk.nova.faults.add(ModelFault(on="answer", after_ms=100, action="close"))
        await talk.speak()
        await until(lambda: len(talk.agent_said()) == 3, 10)
    assert talk.failure is None
    assert talk.phrases == [Announcement.HOLD]
    assert talk.records()[-1].history[0] == ("USER", "turn 1")
    assert any(words.text == "turn 2" for words in talk.records()[-1].heard)
    talk.balance(outage_ms=2000)
