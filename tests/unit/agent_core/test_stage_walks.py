"""Random walks through the stages of an agent: barge-ins, other tools, broken streams, hang-ups and drains.

Whatever happens, the caller is heard without a gap, one stream speaks at a time, each tool belongs to its stage, and
the conversation ends once. The clock is virtual, so that a walk of minutes takes a fraction of a second.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from agent_core.agents.stages import Exit
from agent_core.agents.stages import Stage as AgentStage
from agent_core.errors import ModelUnavailable
from agent_core.events import EndReason
from agent_core.tools.registry import Tool
from tests.support import ledger
from tests.support import scripted_model as say
from tests.support.numbered import frame
from tests.support.scripted_model import Json, ScriptedModel, ScriptedStream
from tests.support.session_stage import Silent, Stage, running_session
from tests.support.waiting import until

STAGES: Final = ("identify", "choose", "confirm")
WALKS: Final = 40
QUICK: Final = 8
"""Walks that `make test` makes."""
STEPS: Final = 26
"""25 transitions in a walk that nothing ends early: a thousand in all."""
FAULT_SECONDS: Final = 25.0
"""Between two faults of the model: more of them end a conversation for good reason."""


def _tool(name: str, runs: list[tuple[str, str]], at: dict[str, str], dice: random.Random) -> Tool:
    async def work() -> dict[str, Any]:
        runs.append((name, at["stage"]))
        await asyncio.sleep(dice.choice((0.0, 0.05, 0.4)))
        return {"speak": "Done.", "facts": {name: str(len(runs))}}

    work.__name__, work.__doc__ = name, f"Do what {name} says."
    return Tool(work, acts=True)


class Nova:
    """A model that answers everything, sometimes in pieces, and marks its audio with the number of its stream."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.model = ScriptedModel(self._open)
        self.answers = 0

    def _open(self, stream: ScriptedStream) -> None:
        number = len(self.model.streams)
        interactive: set[str] = set()

        def on_event(name: str, body: Json) -> None:
            if name == "contentStart" and body.get("interactive") and body.get("role") == "USER":
                interactive.add(body["contentName"])
            if (name == "textInput" and body["contentName"] in interactive and body["content"]) or name == "toolResult":
                self._speak(stream, number)

        stream.on_event = on_event
        stream.is_ready.clear()
        asyncio.get_running_loop().call_later(self._dice.choice((0.0, 0.1, 0.9)), stream.is_ready.set)

    def _speak(self, stream: ScriptedStream, number: int) -> None:
        self.answers += 1
        words, pcm = f"Answer {self.answers}.", _voice_of(number)
        loop, slow = asyncio.get_running_loop(), self._dice.choice((0.0, 0.3))
        stream.say(*say.text_block("ASSISTANT", words, speculative=True), say.audio_start(), say.audio(pcm))
        end = say.event("contentEnd", contentId="sound", type="AUDIO", stopReason="END_TURN")
        loop.call_later(slow, stream.say, end, *say.text_block("ASSISTANT", words, speculative=False, stop="END_TURN"))


def _voice_of(number: int) -> bytes:
    """Return audio that names the stream it comes from."""
    return number.to_bytes(2, "little") * 80


class Voice(Silent):
    """Records which stream each piece of audio came from."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: list[int] = []

    def play(self, pcm: bytes) -> None:
        """Record it."""
        self.streams.append(int.from_bytes(pcm[:2], "little"))


def _stages(tools: list[Tool]) -> dict[str, AgentStage]:
    names = [*STAGES, STAGES[0]]
    return {
        name: AgentStage(name, "- Go on.", "And now?", (tool,), "", (Exit(names[place + 1], tool.spec.name),))
        for place, (name, tool) in enumerate(zip(STAGES, tools, strict=True))
    }


@asynccontextmanager
async def _caller(stage: Stage, sent: list[int]) -> AsyncIterator[None]:
    """Send the caller's audio while the block runs; a block that fails ends the conversation."""

    async def send() -> None:
        while True:
            stage.session.hear(frame(sent[0]) + frame(sent[0] + 1))
            sent[0] += 2
            await asyncio.sleep(0.04)

    sending = asyncio.create_task(send())
    try:
        yield
    finally:
        sending.cancel()


def _in_use(stage: Stage) -> ScriptedStream:
    """Return the stream that the conversation uses; a newer one may have been opened for the next stage."""
    session = stage.session._connection._session
    used = [stream for stream in stage.model.streams if session is not None and session._stream is stream]
    return used[0] if used else stage.model.streams[-1]


async def _step(stage: Stage, dice: random.Random, number: int) -> None:
    """Let the model use the tool of the stage, and something else happen at some moment of the change."""
    current = _in_use(stage)
    tool = f"end_{stage.session._stages.position.stage}"
    changed = stage.session.stats.stages
    if dice.random() < 0.2:
        current.say(*say.tool_use(dice.choice([f"end_{name}" for name in STAGES]), f"other-{number}", {}))
    if dice.random() < 0.2:
        # A turn that leaves the stage as it is: the stream that was opened for the next one is closed.
        current.say(
            *say.heard(f"Aside {number}"), *say.answer("And?", _voice_of(1 + stage.model.streams.index(current)))
        )
        await asyncio.sleep(dice.choice((0.0, 0.2)))
    current.say(*say.heard(f"Words {number}"))
    await asyncio.sleep(dice.choice((0.0, 0.0, 0.1, 0.4)))
    current.say(*say.tool_use(tool, f"use-{number}", {}))
    await asyncio.sleep(dice.choice((0.0, 0.05, 0.2, 0.5)))
    rest = 0.0
    match dice.randrange(6):
        case 0:
            current.say(*say.heard("No, wait"), *say.interruption())
        case 1:
            current.fail(ModelUnavailable("Reset"))
            rest = FAULT_SECONDS
        case 2:
            rest = FAULT_SECONDS
            # One at a time: several in a row end a conversation for good reason.
            stage.model.refusals.extend([] if stage.model.refusals else [ModelUnavailable("Throttled")])
    await until(lambda: stage.session.stats.stages > changed or stage.session.is_over, 60)
    assert not stage.session.is_over, "the conversation ended too early"
    await asyncio.sleep(dice.choice((0.0, 0.1, 1.2)) + rest)


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[pytest.mark.thorough] if seed >= QUICK else []) for seed in range(WALKS)]
)
async def test_a_walk_keeps_every_promise(seed: int) -> None:
    """No audio is lost, no stream speaks after another has begun, no tool of another stage runs, one record."""
    dice = random.Random(seed)  # noqa: S311 - a test's choices
    runs: list[tuple[str, str]] = []
    at = {"stage": STAGES[0]}
    tools = [_tool(f"end_{name}", runs, at, dice) for name in STAGES]
    nova, sent = Nova(dice), [0]
    async with running_session(more=tools, stages=_stages(tools), model=nova.model, voice=Voice()) as (stage, _):
        reached = stage.session._stages._changed
        stage.session._stages._changed = lambda position: (at.update(stage=position.stage), reached(position))[1]
        async with _caller(stage, sent):
            await until(lambda: nova.answers > 0)
            for number in range(dice.choice((STEPS, STEPS, STEPS // 3))):
                await _step(stage, dice, number)
                assert stage.model.open_streams <= 3, "at most two streams, and one that closes"
            await asyncio.sleep(0.3)
        await asyncio.sleep(3)
        leave = dice.choice([EndReason.CALLER_HUNG_UP, EndReason.DRAINED])
        if dice.random() < 0.5:
            stage.model.streams[-1].say(*say.tool_use(f"end_{at['stage']}", "last", {}))
            await asyncio.sleep(dice.choice((0.0, 0.1)))
        stage.session.end(leave)
    assert isinstance(stage.voice, Voice)
    heard = stage.voice.streams
    assert heard == sorted(heard), "a stream spoke after its successor had begun"
    assert all(name == f"end_{where}" for name, where in runs), "a tool of another stage ran"
    ledger.sound_arrived([stream.sound() for stream in stage.model.streams])
    assert stage.records[0].stats.audio_dropped_ms == 0
