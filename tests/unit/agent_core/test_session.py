"""A conversation ends once, releases everything and leaves one record, however it ends."""

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent_core.announcements import Announcement
from agent_core.conversation import session as session_module
from agent_core.errors import ModelError, ModelRejected, ModelUnavailable
from agent_core.events import EndReason
from agent_core.nova.wire import Role
from agent_core.pipeline import ConversationPipeline
from agent_core.tools.registry import Tool, ToolRegistry
from tests.support import scripted_model as say
from tests.support.scripted_model import ScriptedStream
from tests.support.session_stage import Before, running_session
from tests.support.waiting import until
from tools.workspace import ROOT

if TYPE_CHECKING:
    from agent_core.nova.transcript import History

SOUND = b"\x01\x00" * 80


async def test_the_agent_speaks_first() -> None:
    """The greeting is ordered before the caller has spoken."""
    async with running_session() as (stage, running):
        stream = await stage.model.stream()
        await stream.until_sent("textInput", count=2)
        assert "has just been connected" in stream.texts("USER")[0]
        stage.session.end(EndReason.CALLER_HUNG_UP)
        assert (await running).reason is EndReason.CALLER_HUNG_UP


async def test_a_call_that_is_taken_up_goes_on_where_it_was() -> None:
    """The model has the history, gets an order in place of the greeting, and new words are passed on."""
    histories: list[History] = []
    history = ((Role.USER, "the weather in Paris"), (Role.ASSISTANT, "It rains."))
    async with running_session(Before(history, "Say sorry.", histories.append)) as (stage, running):
        stream = await stage.model.stream()
        await stream.until_sent("textInput", count=4)
        assert stream.texts("USER") == ["the weather in Paris", "Say sorry."]
        assert stream.texts("ASSISTANT") == ["It rains."]
        stream.say(*say.heard("and tomorrow"))
        await until(lambda: bool(histories))
        assert histories[-1] == (*history, (Role.USER, "and tomorrow"))
        stage.session.end(EndReason.CALLER_HUNG_UP)
        await running


@pytest.mark.parametrize("reason", [EndReason.CALLER_HUNG_UP, EndReason.MEDIA_DISCONNECTED, EndReason.PROTOCOL_ERROR])
async def test_each_end_from_outside_is_recorded(reason: EndReason) -> None:
    """The record has the reason and the identifiers, and is what `run` returns."""
    async with running_session() as (stage, running):
        stage.session.end(reason)
        record = await running
        assert stage.records == [record]
        assert (record.reason, record.channel, record.call_sid) == (reason, "phone", "CA1")
        assert record.session_id == stage.session.session_id
        assert record.duration_ms >= 0


async def test_the_first_reason_counts() -> None:
    """The first reason counts: a failure during tear-down is not why the conversation ended."""
    async with running_session() as (stage, running):
        stage.session.end(EndReason.CALLER_HUNG_UP)
        stage.session.end(EndReason.INTERNAL_ERROR)
        assert (await running).reason is EndReason.CALLER_HUNG_UP


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ModelRejected("AccessDeniedException"), EndReason.MODEL_REJECTED),
        (ModelUnavailable("ThrottlingException"), EndReason.MODEL_UNAVAILABLE),
    ],
)
async def test_a_lost_model_ends_the_conversation(error: ModelError, reason: EndReason) -> None:
    """A lost model ends the conversation: a rejection at once, unavailability after three attempts."""
    async with running_session() as (stage, running):
        stage.model.refusals.extend([error] * 3)
        (await stage.model.stream()).fail(error)
        async with asyncio.timeout(8):
            assert (await running).reason is reason


async def test_a_defect_in_the_talk_with_the_model_ends_the_conversation(capsys: pytest.CaptureFixture[str]) -> None:
    """After a defect in the exchange with the model the call ends, and the log names the call and the defect."""
    async with running_session() as (stage, running):
        stream = await stage.model.stream()
        stream.fail(KeyError("a defect"))
        async with asyncio.timeout(2):
            assert (await running).reason is EndReason.INTERNAL_ERROR
    line = next(line for line in capsys.readouterr().out.splitlines() if "pipeline_failed" in line)
    assert "KeyError" in line
    assert stage.session.session_id in line


async def test_the_agent_ends_when_its_goodbye_was_heard() -> None:
    """The conversation ends neither at the tool call nor at an answer before the goodbye."""
    async with running_session() as (stage, running):
        stream = await stage.model.stream()
        stream.say(*say.answer("Seven degrees.", SOUND))
        stream.say(*say.tool_use("end_call", "use-1", {"reason": "caller_said_goodbye"}))
        await stream.until_sent("toolResult")
        stage.session.answer_heard()
        await asyncio.sleep(0.05)
        assert not running.done()
        stream.say(*say.answer("Goodbye.", SOUND))
        await until(lambda: stage.session.stats.agent_turns == 2)
        stage.session.answer_heard()
        record = await running
        assert record.reason is EndReason.AGENT_ENDED
        assert record.stats.tools == {"end_call": 1}


async def test_cancelling_records_too() -> None:
    """A stopping server cancels its conversations, and each leaves a record."""
    async with running_session() as (stage, running):
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert stage.records[0].reason is EndReason.DRAINED


def _stop_reading(stream: ScriptedStream) -> None:
    stream.takes_events.clear()


def _never_close(stream: ScriptedStream) -> None:
    stream.closes.clear()


@pytest.mark.parametrize("break_it", [_stop_reading, _never_close])
async def test_the_end_waits_for_no_model(break_it: Callable[[ScriptedStream], None]) -> None:
    """A model that reads nothing, or whose stream does not close, does not delay the end for long."""
    async with running_session() as (stage, running):
        stream = await stage.model.stream()
        await until(lambda: "contentStart" in stream.names())
        break_it(stream)
        stage.session.hear(b"\x01\x00" * 800)
        stage.session.end(EndReason.CALLER_HUNG_UP)
        async with asyncio.timeout(session_module.TEARDOWN_SECONDS + 1):
            assert (await running).reason is EndReason.CALLER_HUNG_UP
        stream.closes.set()


async def test_what_the_caller_said_is_counted() -> None:
    """The caller's speech is counted in seconds, whatever the packets."""
    async with running_session() as (stage, running):
        for _ in range(25):
            stage.session.hear(b"\x01\x00" * 320)
        stage.session.end(EndReason.CALLER_HUNG_UP)
        assert (await running).stats.audio_in_ms == 1000


async def look_up() -> dict[str, str]:
    """Look up something that is not available."""
    await asyncio.Event().wait()
    return {}


async def test_nobody_is_told_to_hold_on_for_a_tool_that_nobody_waits_for() -> None:
    """A caller who moved on and has an answer hears no hold announcement; one who waits hears it again and again."""
    async with running_session() as (stage, _):
        stage.session._tools = ToolRegistry([Tool(look_up, timeout=5, filler=Announcement.LOOK_UP)])
        stream = await stage.model.stream()
        stream.say(*say.heard("the news?"), *say.tool_use("look_up", "use-1", {}))
        await asyncio.sleep(3)
        stream.say(*say.heard("never mind"), *say.answer("All right.", SOUND))
        await stream.until_sent("toolResult")
        await asyncio.sleep(25)
        assert stage.session.stats.phrases == 1  # the announcement of the look-up
        stream.say(*say.heard("the news, please"), *say.tool_use("look_up", "use-2", {}))
        await stream.until_sent("toolResult", count=2, seconds=7)
        await asyncio.sleep(9)
        assert stage.session.stats.phrases == 3
        stage.session.end(EndReason.CALLER_HUNG_UP)


async def test_whoever_cannot_be_told_of_the_end_still_has_everything_released() -> None:
    """A channel that fails while it announces the end keeps no slot and no stream, and leaves a record."""

    def broken(reason: EndReason) -> None:
        raise RuntimeError(reason)

    async with running_session() as (stage, running):
        stage.session._media = replace(stage.session._media, before_end=broken)
        stage.session.end(EndReason.CALLER_HUNG_UP)
        assert (await running).reason is EndReason.CALLER_HUNG_UP


async def test_what_does_not_end_in_time_is_cancelled_and_not_forgotten(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """If the pipeline does not stop in time, its tasks are cancelled and awaited."""

    async def hang(_pipeline: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(session_module, "TEARDOWN_SECONDS", 0.05)
    monkeypatch.setattr(ConversationPipeline, "cancel", hang)
    async with running_session() as (stage, running):
        stage.session.end(EndReason.CALLER_HUNG_UP)
        await running
    gc.collect()
    assert "destroyed" not in caplog.text


_ON_UVLOOP = """
import asyncio, uvloop
from agent_core.conversation.signals import AnswerHeard, Started
from agent_core.events import EndReason
from tests.support.session_stage import running_session

async def talk():
    assert "uvloop" in type(asyncio.get_running_loop()).__module__
    async with running_session() as (stage, running):
        for _ in range(3):
            stage.session.on(Started(0.0))
            stage.session.on(AnswerHeard())
        await asyncio.sleep(0.1)
        phase = stage.session.phase
        stage.session.end(EndReason.CALLER_HUNG_UP)
        return phase, (await running).reason

print(*uvloop.run(talk()))
"""


def test_a_time_that_has_come_is_waited_for_on_the_loop_that_ships() -> None:
    """Uvloop returns another kind of handle for a time that has come. In a process of its own: here asyncio runs."""
    surroundings = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_CLOCK")}
    run = subprocess.run(
        [sys.executable, "-c", _ON_UVLOOP], cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False
    )
    assert run.stdout.splitlines()[-1:] == ["closing caller_hung_up"], run.stderr
