"""The same conversation with each model generation: greeting, tool, barge-in, renewal, muted caller.

The stand-in implements the differences. Its clock runs fast where a test needs its limits, as in tests/faults.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from agent_core.generations import GENERATIONS, Generation
from agent_core.nova.credentials import CredentialSource
from standins.nova.backend import Step
from standins.nova.server import NovaSettings, NovaStandin
from tests.support.score import Score, Turn, note, use
from tests.support.talk import Talk, client, talking
from tests.support.waiting import until

SCALE = 30
BOTH = [generation for generation in GENERATIONS if "nova-2-" in generation.model_id]

generations = pytest.mark.parametrize("generation", BOTH, ids=lambda generation: generation.model_id)


@pytest.fixture
def score() -> Score:
    """Return the model's script."""
    return Score()


@pytest_asyncio.fixture
async def nova(tmp_path: Path, score: Score, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NovaStandin]:
    """Run the model with a fast clock."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "standin")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "standin-secret")
    async with NovaStandin(
        NovaSettings(certificates=tmp_path, keep_sound=True, clock_scale=SCALE), score.backend()
    ) as running:
        yield running


def test_both_generations_that_are_offered_are_here() -> None:
    """The tests cover both generations on offer; the first generation has reached its end of life."""
    assert [generation.model_id for generation in BOTH] == ["amazon.nova-2-5-sonic", "amazon.nova-2-sonic-v1:0"]


@generations
async def test_a_conversation_goes_its_way(nova: NovaStandin, score: Score, generation: Generation) -> None:
    """The agent greets, uses a tool, handles a barge-in, and renews the stream without losing a word."""

    def plan(turn: Turn) -> Sequence[Step]:
        """Use a tool for the first question; tell a long story for the second."""
        if turn.remembers or turn.number != 1:
            return [note(400 + 200 * turn.number, 4000 if turn.number == 2 and not turn.remembers else 400)]
        return [use("get_weather")]

    score.plan = plan
    talk = Talk(nova, client(nova, CredentialSource()), 360 / SCALE, model=generation.model_id)
    async with talking(talk):
        await until(lambda: len(talk.agent_said()) == 1, 5)
        await talk.ask()
        sound = talk.sound_ms
        await talk.speak()
        await until(lambda: talk.sound_ms > sound, 5)
        await talk.ask()
        await until(lambda: talk.stats.renewals == 1, 20)
        await talk.ask()
    assert (talk.failure, talk.phrases, talk.stats.model_streams) == (None, [], 2)
    first, second = talk.records()
    assert {record.model_id for record in (first, second)} == {generation.model_id}
    assert [run.result for run in first.tools] == [{"temperature": 7}]
    assert first.interruptions == 1
    assert [role for role, _ in second.history][:1] == ["USER"]
    talk.balance()


@generations
async def test_a_caller_may_be_silent_beyond_the_generation_s_limit(nova: NovaStandin, generation: Generation) -> None:
    """A caller may send no packet for longer than the model's audio timeout: the stream stays open.

    The model answers the next question.
    """
    scale = min(SCALE, generation.idle_seconds / 5)  # three seconds without a packet are not scaled
    nova.clock.run_at(scale)
    talk = Talk(nova, client(nova, CredentialSource()), 360 / scale, model=generation.model_id)
    async with talking(talk):
        await until(lambda: len(talk.agent_said()) == 1, 5)
        talk.muted = True
        await asyncio.sleep(generation.idle_seconds * 1.2 / scale + 3.5)
        talk.muted = False
        await talk.ask()
    assert talk.failure is None
    assert {record.end_reason for record in talk.records()} == {"session_end"}
