"""Another stage of a conversation begins on a stream of its own, without a gap and without losing what was said."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agent_core import prompts
from agent_core.agents.stages import Exit, StagePosition, StageProgress
from agent_core.agents.stages import Stage as AgentStage
from agent_core.errors import ModelUnavailable
from agent_core.events import EndReason
from agent_core.nova.renewal import BRIDGE_SECONDS, READY_SECONDS
from agent_core.nova.wire import Role
from agent_core.tools.go_to import stage_tool
from agent_core.tools.registry import Tool, ToolFailure
from tests.support import scripted_model as say
from tests.support.numbered import LOUD, frame
from tests.support.scripted_model import ScriptedStream
from tests.support.session_stage import NOTHING, Before, Stage, running_session
from tests.support.staff import Staff
from tests.support.waiting import until

SOUND = b"\x01\x00" * 80
BEGIN = "For ${patient}: which day?"


class Desk:
    """Tools whose results a test decides."""

    def __init__(self) -> None:
        self.result: dict[str, Any] | Exception = {"speak": "Found.", "facts": {"patient": "Anna Baker"}}
        self.may_return = asyncio.Event()
        self.may_return.set()
        self.used: list[str] = []

    def tools(self) -> list[Tool]:
        """Return one tool for each stage."""

        async def identify(name: str = "") -> dict[str, Any]:
            """Identify the patient."""
            self.used.append(f"identify {name}".strip())
            await self.may_return.wait()
            if isinstance(self.result, Exception):
                raise self.result
            return self.result

        async def choose() -> dict[str, Any]:
            """Choose a time."""
            self.used.append("choose")
            return {"status": "chosen"}

        return [Tool(identify, acts=True), Tool(choose, acts=True)]


@pytest.fixture
def desk() -> Desk:
    """Return tools that return at once."""
    return Desk()


def _stages(tools: list[Tool]) -> dict[str, AgentStage]:
    identify, choose = tools
    back = stage_tool("identify", "The caller wants an appointment for another person.")
    return {
        "identify": AgentStage(
            "identify", "- Ask for the name.", "", (identify,), "", (Exit("choose", "identify", "patient"),)
        ),
        "choose": AgentStage(
            "choose", "- Offer a day.", BEGIN, (choose, back), "tiffany", (Exit("identify", "go_to_identify"),)
        ),
    }


@asynccontextmanager
async def conversation(desk: Desk, before: Before = NOTHING, **more: Any) -> AsyncIterator[Stage]:  # noqa: ANN401
    """Hold a conversation that has been greeted; it ends with the block."""
    tools = desk.tools()
    stages = _stages(tools)
    every = [*tools, *(tool for tool in stages["choose"].tools if tool.spec.name.startswith("go_to"))]
    async with running_session(before, more=every, stages=stages, **more) as (stage, _):
        stream = await stage.model.stream()
        stream.say(*say.answer(say.GREETING, SOUND))
        await until(lambda: stage.session.stats.agent_turns == 1)
        yield stage
        stage.session.end(EndReason.CALLER_HUNG_UP)


def _tools_of(stream: ScriptedStream) -> list[str]:
    started = next(body for name, body in stream.sent if name == "promptStart")
    return [tool["toolSpec"]["name"] for tool in started["toolConfiguration"]["tools"]]


def _voice_of(stream: ScriptedStream) -> str:
    started = next(body for name, body in stream.sent if name == "promptStart")
    return str(started["audioOutputConfiguration"]["voiceId"])


def _identify(stream: ScriptedStream, use: str = "use-1") -> None:
    stream.say(*say.heard("Anna Baker"), *say.tool_use("identify", use, {}))


def _begins(stream: ScriptedStream) -> bool:
    return any(text.startswith("The next part of the conversation begins") for text in stream.texts("USER"))


async def _entered(stage: Stage, number: int = 1) -> ScriptedStream:
    stream = await stage.model.stream(number)
    await until(lambda: stage.session.stats.stages == number)
    await until(lambda: _begins(stream))
    return stream


async def test_the_next_stage_gets_the_result_and_goes_on(desk: Desk) -> None:
    """Its stream has its own prompt, tools and voice, knows what was said, and is asked with the tool's result."""
    reached: list[StagePosition] = []
    async with conversation(desk, Before(on_stage=reached.append)) as stage:
        first = await stage.model.stream()
        assert _tools_of(first) == ["identify", "end_call"]
        _identify(first)
        second = await _entered(stage)
        assert _tools_of(second) == ["choose", "go_to_identify", "end_call"]
        assert _voice_of(second) == "tiffany"
        assert "## Now: choose\n" in second.texts("SYSTEM")[0]
        asked = prompts.stage_begins(BEGIN, {"patient": "Anna Baker"}, "Anna Baker", {"speak": "Found."})
        assert second.texts("USER")[-1] == asked
        assert '"For Anna Baker: which day?"' in asked
        # The old stream gets no result, so that it cannot speak too, and is closed.
        await until(lambda: first.closed)
        assert "toolResult" not in first.names()
        second.say(*say.answer("For Anna Baker: which day?", SOUND))
        await until(lambda: stage.session.stats.agent_turns == 2)
    assert reached == [
        StagePosition("identify", {"patient": "Anna Baker"}),
        StagePosition("choose", {"patient": "Anna Baker"}),
    ]
    (record,) = stage.records
    assert (record.stage, record.stats.stages, record.stats.model_streams) == ("choose", 1, 2)


async def test_the_stream_is_opened_while_the_tool_runs(desk: Desk) -> None:
    """When the tool returns, the new stream knows the conversation and only waits for its question."""
    desk.may_return.clear()
    async with conversation(desk) as stage:
        _identify(await stage.model.stream())
        second = await stage.model.stream(1)
        await until(lambda: second.texts("USER") == [] and "promptStart" in second.names())
        assert stage.session.stats.stages == 0
        desk.may_return.set()
        await _entered(stage)


@pytest.mark.parametrize("speech_ended", [[], [say.event("userSpeechEnd")]], ids=["Nova 2", "Nova 2.5"])
async def test_the_stream_of_the_likely_stage_is_opened_when_the_caller_has_spoken(
    desk: Desk, speech_ended: list[bytes]
) -> None:
    """It is ready before the model requests the tool, and is the one that takes over."""
    async with conversation(desk) as stage:
        first = await stage.model.stream()
        first.say(*speech_ended, *say.heard("Anna Baker"))
        second = await stage.model.stream(1)
        await until(lambda: "promptStart" in second.names())
        first.say(*say.tool_use("identify", "use-1", {}))
        assert await _entered(stage) is second
        assert len(stage.model.streams) == 2


async def test_a_likely_stage_that_does_not_begin_costs_a_stream_for_one_turn(desk: Desk) -> None:
    """It is closed after the reply, and opened again, with what was said since, after the caller's next words."""
    async with conversation(desk) as stage:
        first = await stage.model.stream()
        first.say(*say.heard("Good morning"))
        second = await stage.model.stream(1)
        first.say(*say.answer("What is your name?", SOUND))
        await until(lambda: second.closed)
        _identify(first)
        third = await stage.model.stream(2)
        await until(lambda: _begins(third))
        assert "Good morning Anna Baker" in third.texts("USER")[-1]
        assert len(stage.model.streams) == 3


async def test_a_likely_stage_that_waits_in_vain_is_closed(desk: Desk) -> None:
    """The model ends a stream that gets no audio; ours is closed before that, although no reply has come."""
    async with conversation(desk, idle_prompt_seconds=0) as stage:
        first = await stage.model.stream()
        first.say(say.event("userSpeechEnd"))
        second = await stage.model.stream(1)
        await asyncio.sleep(READY_SECONDS - 1)
        assert not second.closed
        await until(lambda: second.closed, 5)


async def test_a_refused_preparation_is_not_repeated_at_once(desk: Desk) -> None:
    """The quota may be used up: streams that may not be needed wait; the one that a tool asks for is opened."""
    async with conversation(desk) as stage:
        first = await stage.model.stream()
        stage.model.refusals.append(ModelUnavailable("Throttled"))
        first.say(*say.heard("Good morning"), *say.answer("What is your name?", SOUND))
        await until(lambda: not stage.model.refusals)
        await until(lambda: stage.session.stats.agent_turns == 2)
        opened = len(stage.model.streams)
        first.say(*say.heard("Anna"), *say.answer("And your second name?", SOUND))
        await until(lambda: stage.session.stats.agent_turns == 3)
        assert len(stage.model.streams) == opened
        _identify(first)
        await until(lambda: _begins(stage.model.streams[-1]))
        assert stage.session.stats.stages == 1


async def test_a_change_is_as_fast_as_the_answer_to_a_tool(desk: Desk) -> None:
    """In virtual time the new stream is asked at the moment at which the old one would get a result."""
    clock = asyncio.get_running_loop().time
    waited = []
    for result, number, what in (({"status": "not_found"}, 0, "toolResult"), (desk.result, 1, "textInput")):
        desk.may_return.clear()
        desk.result = result
        async with conversation(desk) as stage:
            _identify(await stage.model.stream())
            stream = await stage.model.stream(number)
            await stage.model.stream(1)
            await asyncio.sleep(0.5)
            before = stream.names().count(what)
            returned = clock()
            desk.may_return.set()
            await stream.until_sent(what, count=before + 1)
            waited.append(round(clock() - returned, 6))
    assert waited[1] <= waited[0]


@pytest.mark.parametrize("result", [{"status": "not_found"}, ToolFailure("no_such_patient"), {"facts": "none"}])
async def test_the_conversation_stays_where_it_is(desk: Desk, result: dict[str, Any] | Exception) -> None:
    """Without the fact that the exit needs, the old stream gets the result, and the other is closed after its reply."""
    desk.result = result
    async with conversation(desk) as stage:
        first = await stage.model.stream()
        _identify(first)
        sent_to_model = json.loads((await first.until_sent("toolResult"))["content"])
        assert "facts" not in sent_to_model
        second = await stage.model.stream(1)
        first.say(*say.answer("How do you spell that?", SOUND))
        await until(lambda: second.closed)
        assert not first.closed
        assert stage.session.stats.stages == 0
    assert stage.records[0].stage == "identify"


async def test_the_model_goes_to_a_stage_by_itself(desk: Desk) -> None:
    """An exit with `when:` is a tool, and leads back too; the facts stay known."""
    async with conversation(desk) as stage:
        _identify(await stage.model.stream())
        second = await _entered(stage)
        second.say(*say.answer("Which day?", SOUND), *say.heard("For my son"))
        second.say(*say.tool_use("go_to_identify", "use-2", {}))
        third = await _entered(stage, 2)
        assert _tools_of(third) == ["identify", "end_call"]
        assert '{"patient": "Anna Baker"}' in third.texts("SYSTEM")[0]
        assert "For my son" in third.texts("USER")[-1]


async def test_a_tool_of_another_stage_cannot_be_called(desk: Desk) -> None:
    """Whatever the model invents: the tool does not run."""
    async with conversation(desk) as stage:
        first = await stage.model.stream()
        first.say(*say.tool_use("choose", "use-1", {}))
        result = json.loads((await first.until_sent("toolResult"))["content"])
        assert result["error"] == "unknown_tool"
    assert desk.used == []
    assert stage.records[0].stats.tools == {"choose": 1}


async def test_the_agent_finishes_its_sentence(desk: Desk) -> None:
    """The new stream waits for the end of what the agent is saying, so that there are never two voices."""
    desk.may_return.clear()
    async with conversation(desk) as stage:
        first = await stage.model.stream()
        _identify(first)
        await until(lambda: desk.used != [])
        first.say(*say.text_block("ASSISTANT", "One moment.", speculative=True), say.audio_start(), say.audio(SOUND))
        await until(lambda: stage.session.stats.agent_turns == 2)
        desk.may_return.set()
        second = await stage.model.stream(1)
        await asyncio.sleep(0.3)
        assert second.texts("USER") == []
        first.say(say.event("contentEnd", contentId="sound", type="AUDIO", stopReason="END_TURN"))
        await until(lambda: second.texts("USER") != [])
        assert (Role.ASSISTANT, "One moment.") in stage.session._transcript.history


async def test_a_stream_that_opens_slowly_is_bridged(desk: Desk) -> None:
    """The old stream speaks meanwhile, and the new one does not repeat the result that the caller has heard."""
    async with conversation(desk) as stage:
        first = await stage.model.stream()
        slow = asyncio.Event()
        opened = stage.model._script

        def script(stream: ScriptedStream) -> None:
            opened(stream)
            stream.is_ready = slow

        stage.model._script = script
        _identify(first)
        async with asyncio.timeout(BRIDGE_SECONDS + 5):
            sent_to_model = json.loads((await first.until_sent("toolResult"))["content"])
        assert sent_to_model == {"speak": "Found."}
        slow.set()
        second = await stage.model.stream(1)
        await asyncio.sleep(0.2)
        assert second.texts("USER") == []  # the old stream still owes its reply
        first.say(*say.answer("Found.", SOUND))
        await until(lambda: _begins(second))
        assert "Found." not in second.texts("USER")[-1]
        assert "For Anna Baker" in second.texts("USER")[-1]


@pytest.mark.parametrize("fault", ["refused", "closed_at_once", "old_stream_breaks"])
async def test_a_fault_during_the_change_loses_nothing(desk: Desk, fault: str) -> None:
    """Another stream is opened, for the new stage, and gets the same question."""
    desk.may_return.clear()
    async with conversation(desk) as stage:
        first = await stage.model.stream()
        if fault == "refused":
            stage.model.refusals.append(ModelUnavailable("Throttled"))
        _identify(first)
        await until(lambda: desk.used != [])
        if fault == "old_stream_breaks":
            first.fail(ModelUnavailable("Reset"))
            await until(lambda: len(stage.model.streams) > 2)
        desk.may_return.set()
        if fault == "closed_at_once":
            second = await _entered(stage)
            second.fail(ModelUnavailable("Reset"))
            await stage.model.stream(2)
        await until(lambda: _begins(stage.model.streams[-1]))
        last = stage.model.streams[-1]
        assert _tools_of(last) == ["choose", "go_to_identify", "end_call"]
        assert '"speak": "Found."' in last.texts("USER")[-1]
        assert desk.used == ["identify"]
        last.say(*say.answer("Which day?", SOUND))
        await until(lambda: stage.session.stats.agent_turns == 2)


async def test_what_the_caller_says_meanwhile_is_sent_to_the_new_stream(desk: Desk) -> None:
    """Their words go into the question; audio of a sentence that is not over is sent again."""
    desk.may_return.clear()
    async with conversation(desk) as stage:
        first = await stage.model.stream()
        _identify(first)
        await stage.model.stream(1)
        await asyncio.sleep(0.3)
        spoken = b"".join(frame(number, LOUD) for number in range(10))
        stage.session.hear(spoken)
        desk.may_return.set()
        second = await _entered(stage)
        await until(lambda: second.sound() == spoken)


async def test_no_stage_begins_during_a_transfer(desk: Desk) -> None:
    """A person who was promised takes precedence: the model gets the result and nothing changes."""
    desk.may_return.clear()
    async with conversation(desk, people=Staff()) as stage:
        first = await stage.model.stream()
        _identify(first)
        await until(lambda: desk.used != [])
        first.say(*say.tool_use("transfer_to_human", "use-2", {"destination": "reception", "reason": "an invoice"}))
        await first.until_sent("toolResult")
        desk.may_return.set()
        await first.until_sent("toolResult", count=2)
        assert stage.session.stats.stages == 0


async def test_a_resumed_conversation_continues_in_its_stage(desk: Desk) -> None:
    """Prompt, tools and facts are those of the stage that another task has reached."""
    at = StagePosition("choose", {"patient": "Anna Baker"})
    async with conversation(desk, Before(at=at)) as stage:
        first = await stage.model.stream()
        assert _tools_of(first) == ["choose", "go_to_identify", "end_call"]
        assert "Anna Baker" in first.texts("SYSTEM")[0]
    assert stage.records[0].stage == "choose"


async def test_a_renewed_stream_stays_in_the_stage(desk: Desk) -> None:
    """The stage's prompt is that of every later stream."""
    async with conversation(desk, nova_sonic_renew_seconds=60, idle_prompt_seconds=0) as stage:
        _identify(await stage.model.stream())
        second = await _entered(stage)
        second.say(*say.answer("Which day?", SOUND))
        await until(lambda: stage.session.stats.renewals == 1, 200)
        third = await stage.model.stream(2)
        assert _tools_of(third) == _tools_of(second)


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        ({"patient": "  Anna \n Baker "}, {"patient": "Anna Baker"}),
        ({"people": 2, "price": 1.5}, {"people": "2", "price": "1.5"}),
        ({"Not a name": "x", "a": {"b": 1}, "empty": " ", "listed": ["x"]}, {}),
        ({f"fact_{number}": "x" * 400 for number in range(30)}, {f"fact_{number}": "x" * 300 for number in range(20)}),
    ],
)
def test_facts_are_bounded(facts: Mapping[str, object], kept: dict[str, str]) -> None:
    """A tool's facts become short plain texts; what does not fit is refused, and the rest is kept."""
    progress = StageProgress({"one": AgentStage("one")})
    sent_to_model, reached = progress.take("look", {"status": "ok", "facts": facts}, succeeded=True)
    assert (sent_to_model, reached) == ({"status": "ok"}, None)
    assert dict(progress.facts) == kept


def test_a_fact_of_an_earlier_stage_ends_no_later_one() -> None:
    """A conversation that returns to a stage stays there until a tool finds the fact out again."""
    look = Tool(stage_tool("x", "Look.")._function)
    ways = (Exit("two", known="day"),)
    one, two = AgentStage("one", tools=(look,), exits=ways), AgentStage("two", tools=(look,))
    progress = StageProgress({"one": one, "two": two})
    assert progress.take("go_to_x", {"facts": {"day": "friday"}}, succeeded=True)[1] is two
    progress.enter(two)
    progress.enter(one)
    assert progress.take("go_to_x", {}, succeeded=True)[1] is None
    assert progress.take("go_to_x", {"facts": {"day": "monday"}}, succeeded=True)[1] is two


def test_a_stage_that_is_gone_begins_with_the_first() -> None:
    """Another task may have another version of the folder."""
    one = AgentStage("one")
    progress = StageProgress({"one": one}, StagePosition("gone", {"day": "friday"}))
    assert progress.current is one
    assert dict(progress.facts) == {"day": "friday"}
