"""The model's side of a conversation: turns, tool uses, interruptions, and the text that was actually spoken."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from standins.nova import tool_uses
from standins.nova.backend import DialogueBackend, LaterStep, Step, SynthesisBackend, ToolStep, TurnHeard
from standins.nova.completion import BARE_INTERRUPTED, INTERRUPTED, Completion
from standins.nova.faults import Action, FaultPlan, ModelFault, note_fault
from standins.nova.pace import Pace
from standins.nova.reply_playout import PlayedSentence, Playout
from standins.nova.session_records import Said, SessionRecord, ToolRun, Words
from standins.nova.tasks import TaskPool

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")


@dataclass(frozen=True, slots=True)
class TurnContext:
    """What a conversation works with."""

    dialogue: DialogueBackend
    voice: SynthesisBackend
    pace: Pace
    faults: FaultPlan
    tasks: TaskPool
    record: SessionRecord
    expect_result: Callable[[str], None]
    stop_waiting: Callable[[str], None]
    """Called when a turn continues or ends without a tool's result."""
    misbehave: Callable[[ModelFault], None]
    """Called when a fault of a reply or of a tool use is due."""
    drained: Callable[[], Awaitable[object]]
    """Waits until the client has received most of what was sent."""
    screen: Callable[[str], None] = lambda _: None
    """Raises if the content filter rejects the caller's words."""
    marks_speech_end: bool = False
    """Whether the model signals the end of the caller's speech."""


@dataclass(frozen=True, slots=True)
class _Words:
    """Text that a fault makes the model say."""

    text: str


class TurnTaking:
    """Replies to one prompt's caller. Everything except waiting runs synchronously in the event loop."""

    def __init__(self, completion: Completion, sample_rate: int, around: TurnContext) -> None:
        self._completion = completion
        self._rate = sample_rate
        self._around = around
        self._loop = asyncio.get_running_loop()
        self._playout = Playout()
        self._timer: asyncio.TimerHandle | None = None
        self._turn: asyncio.Task[None] | None = None
        self._aside: asyncio.Task[None] | None = None
        self._speaking = asyncio.Lock()
        self._visible = False
        self._fault: ModelFault | None = None
        self._altered: ModelFault | None = None
        self._float_usage = False
        self._awaited: dict[str, asyncio.Future[dict[str, Any]]] = {}

    def notice(self, sound: object) -> None:
        """Handle what the ear detected in the caller's audio."""
        if not isinstance(sound, TurnHeard):
            self._speech_started()
            return
        self._make_way()
        if self._around.marks_speech_end:
            self._completion.user_speech_end()
        text, confident = self._transcript(sound)
        if text:
            # An unclear utterance is a turn too: the dialogue then asks again.
            self._around.record.heard.append(Words(text))
            self._completion.user_text(text)
            self._around.screen(text)
        self._begin(self._around.dialogue.heard(text if confident else ""))

    def read(self, text: str) -> None:
        """Reply to interactive text. Unlike speech, it is not echoed as a transcript.

        While the model waits for a tool result, it says the reply and continues the turn: AWS's guide for Nova 2.5
        makes clients bridge the wait like this.
        """
        # Only a silent wait can be bridged; while it speaks, a new text interrupts.
        aside = bool(self._awaited) and not self._speaking.locked()
        if not aside:
            self._make_way()
        self._around.record.heard.append(Words(text, written=True))
        self._completion.input.read(text)
        self._around.screen(text)
        steps = self._around.dialogue.heard(text)
        if not aside:
            self._begin(steps)
        elif any(isinstance(step, ToolStep | LaterStep) for step in steps):
            self._make_way()  # another question replaces the one that is waiting
            self._begin(steps)
        else:
            self._aside = self._around.tasks.start(self._say_aside(steps))

    def take_result(self, tool_use_id: str, result: dict[str, Any]) -> None:
        """Pass a tool's result to its turn; if the turn was interrupted, only record it."""
        if run := self._around.record.tool(tool_use_id):
            run.result = result
        if fault := self._around.faults.take("tool_result"):
            self._schedule(fault)
        # A result without a waiting request came too late, or twice.
        waiting = self._awaited.pop(tool_use_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)

    def close(self) -> None:
        """End the prompt: write what was actually spoken, and the final usage."""
        self.stop()
        # The service ends an interrupted block like any other.
        self._completion.close_audio("END_TURN")
        self._report()
        for words in self._playout.cut(self._loop.time()):
            self._finalise(words, closes_turn=True, interrupted=True)
        self._report_usage()
        self._completion.end()

    def stop(self) -> None:
        """Stop speaking, without any events."""
        for speaker in (self._turn, self._aside):
            if speaker is not None:
                speaker.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def open_audio_if_closed(self) -> None:
        """Open an audio block for a fault that writes bad audio."""
        if not self._completion.audio_is_open:
            self._completion.open_audio(self._rate)

    def _transcript(self, sound: TurnHeard) -> tuple[str, bool]:
        """Return what was heard and whether to act on it; a fault may replace it."""
        fault = self._around.faults.take("turn")
        if fault is None:
            return sound.text, sound.confident
        if self._alter(fault):
            return fault.text, True
        self._schedule(fault)
        return sound.text, sound.confident

    def _speech_started(self) -> None:
        if self._completion.audio_is_open or self._playout.playing(self._loop.time(), self._around.pace.way_to_ear):
            self._interrupt()

    def _make_way(self) -> None:
        """End the previous turn: silently while nothing of it has been sent, as an interruption afterwards."""
        # Cancelling a turn that the client has not seen is no interruption.
        running = self._turn is not None and not self._turn.done() and self._visible
        if running or self._playout.playing(self._loop.time()):
            self._interrupt()
        elif self._turn is not None:
            self._turn.cancel()

    def _interrupt(self) -> None:
        self.stop()
        self._turn, self._visible = None, False
        self._completion.close_audio("END_TURN")
        self._report()
        for words in self._playout.cut(self._loop.time()):
            self._finalise(words, closes_turn=False, interrupted=True)
        self._completion.interrupted(BARE_INTERRUPTED if self._alters("bare_interruption") else INTERRUPTED)
        self._around.record.interruptions += 1
        self._report_usage()

    def _begin(self, steps: Sequence[Step]) -> None:
        self._visible = False
        self._turn = self._around.tasks.start(self._answer(steps))

    async def _answer(self, steps: Sequence[Step]) -> None:
        self._fault = self._around.faults.take("answer")
        self._altered = self._fault if self._fault and self._alter(self._fault) else None
        if self._altered and self._alters("say"):
            steps = [_Words(self._altered.text)]
        pace, delay = self._around.pace, self._fault.delay_ms / 1000 if self._fault else 0.0
        # The service decides on a tool sooner than on an answer.
        tool_first = bool(steps) and isinstance(steps[0], ToolStep)
        await asyncio.sleep((pace.think_tool if tool_first else pace.think) + delay)
        await self._perform(steps, closes_turn=True)
        self._playout.close_turn()  # the last step may have been a tool that led to no sentence

    async def _perform(self, steps: Sequence[Step], *, closes_turn: bool) -> None:
        for step in steps:
            # Only the last sentence of the last step ends the turn.
            last = closes_turn and step is steps[-1]
            if isinstance(step, LaterStep):
                await self._perform(await step.decide(), closes_turn=last)
                continue
            if isinstance(step, ToolStep):
                used, result = await self._use_until_done(step)
                await asyncio.sleep(self._around.pace.after_result)
                follow_up = self._around.dialogue.tool_result(used.name, used.arguments, result)
                await self._perform(follow_up, closes_turn=last)
                continue
            sentences = [sentence for sentence in _SENTENCE_END.split(step.text.strip()) if sentence]
            for index, sentence in enumerate(sentences, start=1):
                await self._say(sentence, closes_turn=last and index == len(sentences))

    async def _say_aside(self, steps: Sequence[Step]) -> None:
        await asyncio.sleep(self._around.pace.think)
        if not self._awaited:
            return  # the result arrived meanwhile, and its reply makes the filler pointless
        for step in steps:
            assert not isinstance(step, ToolStep | LaterStep)  # noqa: S101 - `read` has checked it
            await self._say(step.text, closes_turn=True)

    async def _use_until_done(self, step: ToolStep) -> tuple[ToolStep, dict[str, Any]]:
        """Use a tool, repeatedly if a fault makes the model loop; return the last tool use and its result."""
        asked = 0
        while True:
            fault = self._around.faults.take("tool_use")
            result = await self._use(step, fault)
            asked += 1
            # A fault may request the tool again after its result.
            again = tool_uses.next_call(fault, step, asked)
            if fault is None or again is None:
                return step, result
            await asyncio.sleep(fault.after_ms / 1000 or tool_uses.AGAIN_SECONDS)
            step = again

    async def _use(self, step: ToolStep, fault: ModelFault | None) -> dict[str, Any]:
        altered = fault if fault and self._alter(fault) else None
        # From here on the client has seen the turn, so ending it counts as an interruption.
        self._visible = True
        waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        for tool_use_id in tool_uses.identifiers(altered):
            # A fault may repeat an ID, which gets one result.
            if tool_use_id not in waiting:
                self._around.record.tools.append(ToolRun(step.name, tool_use_id, step.arguments))
                self._around.expect_result(tool_use_id)
                waiting[tool_use_id] = self._awaited[tool_use_id] = self._loop.create_future()
            self._completion.tool_use(step.name, tool_use_id, tool_uses.content(step.arguments, altered))
        if fault is not None and altered is None:
            self._schedule(fault)
        try:
            async with asyncio.timeout(self._around.pace.tool_deadline):
                results = await asyncio.gather(*waiting.values())
        # As a model would: continue and apologise instead of ending the stream.
        except TimeoutError:
            return {"error": "no_result"}
        finally:
            for tool_use_id in waiting:
                if self._awaited.pop(tool_use_id, None) is not None:
                    self._around.stop_waiting(tool_use_id)
        return results[0]

    async def _say(self, text: str, *, closes_turn: bool) -> None:
        # Two sentences never overlap, whether of the turn or of the bridge.
        async with self._speaking:
            await self._speak(text, closes_turn=closes_turn)

    async def _speak(self, text: str, *, closes_turn: bool) -> None:
        rate = self._altered.rate if self._altered and self._alters("other_rate") else self._rate
        async with asyncio.timeout(self._around.pace.voice_deadline):
            pcm = await self._around.voice.speak(text, rate)
        waits, pcm = self._shape(pcm, rate)
        self._report()
        self._visible = True
        # The text comes before its audio.
        self._completion.speculative(text)
        await asyncio.sleep(self._around.pace.text_to_audio)
        self._completion.open_audio(rate)
        sentence = self._playout.begin(text, len(pcm) / 2 / rate, self._loop.time(), closes_turn=closes_turn)
        # The fault strikes once, with the first sentence of the reply.
        if self._fault is not None:
            if not self._fault.alters:
                self._schedule(self._fault)
            self._fault = None
        await self._deliver(pcm, rate, sentence, waits)
        self._completion.close_audio(self._stop_reason() if closes_turn else "PARTIAL_TURN")
        self._report()

    def _stop_reason(self) -> str:
        return self._altered.stop_reason if self._altered and self._alters("stop_reason") else "END_TURN"

    def _shape(self, pcm: bytes, rate: int) -> tuple[Iterator[float], bytes]:
        """Return the delays between chunks and the audio; a flood changes both."""
        pace = self._around.pace
        if self._fault is None or self._fault.action != "flood" or not pcm:
            return pace.waits(), pcm
        # Repeat the sentence until it is long enough.
        wanted = int(self._fault.seconds * rate) * 2
        return pace.waits(self._fault.speed), (pcm * (wanted // len(pcm) + 1))[:wanted]

    async def _deliver(self, pcm: bytes, rate: int, sentence: PlayedSentence, waits: Iterator[float]) -> None:
        size = int(self._around.pace.chunk * rate) * 2
        due = self._loop.time()
        for start in range(0, len(pcm), size):
            chunk = pcm[start : start + size]
            self._completion.audio(chunk)
            seconds = len(chunk) / 2 / rate
            self._playout.deliver(sentence, seconds, self._loop.time())
            self._around.record.audio_seconds_out += seconds
            self._completion.output.hear(seconds)
            # Wait for the client's windows, or a slow one would fill the memory.
            await self._around.drained()
            due += next(waits)
            # Sleep until the absolute time, so that a late wake-up does not delay all later chunks.
            await asyncio.sleep(max(0.0, due - self._loop.time()))
        sentence.complete = True

    def _alter(self, fault: ModelFault) -> bool:
        """Return whether a fault changes what is written next, and log it if so."""
        if fault.alters:
            note_fault(fault, session_id=self._around.record.session_id)
            self._float_usage = self._float_usage or fault.action == "float_usage"
        return fault.alters

    def _alters(self, action: Action) -> bool:
        return self._altered is not None and self._altered.action == action

    def _schedule(self, fault: ModelFault) -> None:
        self._loop.call_later(fault.after_ms / 1000, self._around.misbehave, fault)

    def _report(self) -> None:
        """Write the final text of each sentence that has played, between audio blocks."""
        # Content blocks never overlap, so final texts wait for the end of the audio.
        if self._completion.audio_is_open:
            return
        for sentence in self._playout.played(self._loop.time()):
            self._finalise(sentence.text, closes_turn=sentence.closes_turn, interrupted=False)
            if sentence.closes_turn:
                self._report_usage()
        self._wake_at(self._playout.next_end)

    def _wake_at(self, moment: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # Nothing else happens at the end of the playout, so a timer has to look.
        self._timer = self._loop.call_at(moment, self._report) if moment is not None else None

    def _finalise(self, text: str, *, closes_turn: bool, interrupted: bool) -> None:
        self._completion.final(text, "END_TURN" if closes_turn else "PARTIAL_TURN")
        self._around.record.said.append(Said(text, interrupted))

    def _report_usage(self) -> None:
        float_usage, self._float_usage = self._float_usage, False
        self._around.record.usage = self._completion.usage(float if float_usage else int)
