"""A caller who wants a person gets one: any goodbye yields to it, and may follow if the transfer failed."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agent_core import prompts
from agent_core.announcements import Announcement
from agent_core.conversation.state import LAST_CALL_SECONDS
from agent_core.conversation.waits import KEY_PAUSE_SECONDS
from agent_core.errors import ModelRejected
from agent_core.events import EndReason
from tests.support import scripted_model as say
from tests.support.session_stage import Stage, running_session
from tests.support.staff import Staff
from tests.support.waiting import until

GOODBYE = prompts.load("goodbye")
SOUND = b"\x01\x00" * 80


async def _greet(stage: Stage) -> None:
    await _say(stage, say.GREETING)


async def _say(stage: Stage, words: str) -> None:
    """Let the agent say something that is heard to its end."""
    turns = stage.session.stats.agent_turns
    (await stage.model.stream()).say(*say.answer(words, SOUND))
    await until(lambda: stage.session.stats.agent_turns == turns + 1)
    stage.session.answer_heard()


async def _use(stage: Stage, tool: str, **arguments: str) -> None:
    stream = await stage.model.stream()
    results = stream.names().count("toolResult")
    stream.say(*say.tool_use(tool, f"use-{results}", arguments))
    await stream.until_sent("toolResult", count=results + 1)


async def _agent_says_goodbye(stage: Stage) -> None:
    await _use(stage, "end_call", reason="caller_said_goodbye")


async def _caller_is_silent(stage: Stage) -> None:
    stage.session.say_goodbye(EndReason.IDLE_TIMEOUT)


async def _time_is_over(stage: Stage) -> None:
    stage.session.say_goodbye(EndReason.MAX_DURATION)


async def _task_leaves(stage: Stage) -> None:
    stage.session.say_goodbye(EndReason.DRAINED)


async def _press(stage: Stage) -> None:
    stage.session.press("0")
    await asyncio.sleep(KEY_PAUSE_SECONDS + 0.1)


async def _ask(stage: Stage) -> None:
    await _use(stage, "transfer_to_human", destination="reception", reason="an invoice")


type Act = Callable[[Stage], Awaitable[None]]
GOODBYES = [_agent_says_goodbye, _caller_is_silent, _time_is_over]


@pytest.mark.parametrize("goodbye", GOODBYES)
@pytest.mark.parametrize("want", [_press, _ask])
async def test_a_goodbye_does_not_overtake_a_person(want: Act, goodbye: Act) -> None:
    """A caller who was promised a person stays connected, whatever the model or the clock want then."""
    staff = Staff()
    async with running_session(people=staff) as (stage, running):
        await _greet(stage)
        await want(stage)
        await goodbye(stage)
        await _say(stage, "I am connecting you. Goodbye.")
        assert (await running).reason is EndReason.TRANSFERRED
    assert staff.brought == ["reception"]


@pytest.mark.parametrize("goodbye", [*GOODBYES, _task_leaves])
@pytest.mark.parametrize("want", [_press, _ask])
async def test_a_person_overtakes_a_goodbye(want: Act, goodbye: Act) -> None:
    """A caller who hears the goodbye and asks for a person is connected."""
    staff = Staff()
    async with running_session(people=staff) as (stage, running):
        await _greet(stage)
        await goodbye(stage)
        await asyncio.sleep(1)
        await want(stage)
        await _say(stage, "I am connecting you.")
        assert (await running).reason is EndReason.TRANSFERRED
    assert staff.brought == ["reception"]


async def test_a_silent_caller_who_could_not_be_connected_is_let_go_later() -> None:
    """The withdrawn goodbye comes again after the same silence."""
    async with running_session(people=Staff(broken=True), idle_prompt_seconds=10) as (stage, running):
        await _greet(stage)
        stage.session.say_goodbye(EndReason.IDLE_TIMEOUT)
        await _press(stage)
        await _say(stage, "I am connecting you.")
        await asyncio.sleep(3)
        await _say(stage, "That did not work.")
        await asyncio.sleep(9)
        assert not running.done()
        await asyncio.sleep(3)
        await _say(stage, "Are you still there?")
        await asyncio.sleep(11)
        await _say(stage, "Goodbye.")
        assert (await running).reason is EndReason.IDLE_TIMEOUT


@pytest.mark.parametrize("pressed_at", [9, 11])
async def test_the_longest_call_ends_though_nobody_could_be_called(pressed_at: float) -> None:
    """A key shortly before the limit, or during the goodbye, adds only the time of the attempt."""
    async with running_session(people=Staff(broken=True), max_call_seconds=10) as (stage, running):
        await _greet(stage)
        await asyncio.sleep(pressed_at)
        await _press(stage)
        await _say(stage, "I am connecting you.")
        await asyncio.sleep(3)
        await _say(stage, "That did not work.")
        stream = await stage.model.stream()
        await until(lambda: GOODBYE in stream.texts("USER")[3:])
        await _say(stage, "Goodbye.")
        assert (await running).reason is EndReason.MAX_DURATION


async def test_a_person_who_cannot_be_had_stops_no_goodbye() -> None:
    """For an unknown person, or at a second attempt, the call ends as planned."""
    async with running_session(people=Staff()) as (stage, running):
        await _greet(stage)
        await _agent_says_goodbye(stage)
        await _use(stage, "transfer_to_human", destination="the president", reason="an invoice")
        await _say(stage, "Goodbye.")
        assert (await running).reason is EndReason.AGENT_ENDED


async def _lose_model(stage: Stage) -> None:
    """Lose it for good; the caller hears an apology of three seconds."""
    stage.voice.sounds = 3.0
    error = ModelRejected("AccessDeniedException")
    stage.model.refusals.extend([error] * 2)
    (await stage.model.stream()).fail(error)
    await until(lambda: stage.session._state.failing is not None)


async def test_a_key_while_the_agent_is_sorry_calls_at_once() -> None:
    """The model that would announce the transfer is lost, and the apology waits for the transfer."""
    staff = Staff()
    async with running_session(people=staff) as (stage, running):
        await _greet(stage)
        await _lose_model(stage)
        await asyncio.sleep(2)
        stage.session.press("0")
        await asyncio.sleep(0.1)
        assert staff.brought == ["reception"]
        assert (await running).reason is EndReason.TRANSFERRED


@pytest.mark.parametrize("want", [_press, _ask])
async def test_a_model_that_is_lost_before_it_has_announced_a_person(want: Act) -> None:
    """If the model is lost before the announcement, the person is called at once, without an apology."""
    staff = Staff()
    async with running_session(people=staff) as (stage, running):
        await _greet(stage)
        await want(stage)
        await _lose_model(stage)
        await asyncio.sleep(0.1)
        assert staff.brought == ["reception"]
        assert (await running).reason is EndReason.TRANSFERRED
        assert stage.agent.recordings.pcm(Announcement.SORRY, 8000) not in stage.voice.said


@pytest.mark.parametrize("staff", [Staff(broken=True), Staff(seconds=60)], ids=["refused", "hanging"])
@pytest.mark.parametrize("first", [_press, _lose_model])
async def test_without_model_and_person_the_call_ends_as_before(staff: Staff, first: Act) -> None:
    """The call ends soon, for the model's reason, so that the verbs after the stream run."""
    async with running_session(people=staff) as (stage, running):
        await _greet(stage)
        await first(stage)
        await (_press if first is _lose_model else _lose_model)(stage)
        async with asyncio.timeout(3 + LAST_CALL_SECONDS + 0.5):
            assert (await running).reason is EndReason.MODEL_REJECTED


async def test_a_key_that_comes_after_the_end_calls_nobody() -> None:
    """A key after the end calls no person, although the media stream is still open during the tear-down."""
    staff = Staff()
    async with running_session(people=staff) as (stage, running):
        await _greet(stage)
        stage.session.end(EndReason.AGENT_ENDED)
        await running
        stage.session.press("0")
        await asyncio.sleep(20)
    assert staff.brought == []
