"""Turn the model's events into facts about the conversation. No I/O.

This is the only place that reads the events of a conversation. What it finds out is the same for everyone: whose turn
it is, what was said, and what the agent still owes.
"""

import re
from typing import Final

from agent_core.nova import wire
from agent_core.nova.facts import (
    AnswerOver,
    AudioStarted,
    CallerWords,
    Fact,
    Facts,
    Interrupted,
    MarkupPlanned,
    Progress,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    SentenceEnded,
    SpeechEnded,
    StreamStarted,
    TextFinal,
    TextPlanned,
    TokensUsed,
    ToolRequested,
    TurnEnded,
    TurnStarted,
    TurnTranscribed,
    UnknownEvent,
)
from agent_core.nova.wire import ModelEvent, Role, StopReason

_MARKUP: Final = re.compile(r"\s*<[a-z_]+[\s=>]", re.IGNORECASE)


_PROGRESS: Final = Progress()


class Turns:
    """Tracks the turns of one conversation across all its streams."""

    def __init__(self) -> None:
        self.reply_pending = False
        """A reply is pending and none of its audio has arrived."""
        self.speaking = False
        """A reply is being delivered."""
        self.tools: set[str] = set()
        """Tool uses whose results the model waits for."""
        self.replying = False
        """A reply has started and not ended, as observers see it."""
        self.obsolete = False
        """The reply was interrupted; what still arrives of it must not be heard."""
        self._overtaken: set[str] = set()
        """Those among the tools that the caller has overtaken with a new turn: the caller no longer waits for their
        results.
        """
        self._unsaid: list[str] = []
        self._block = wire.ContentStarted("", "", speculative=False)
        """The block that the next words or audio belong to."""
        self._heard: list[str] = []
        self._caller_has_turn = False
        self._speech_end_known = False
        self._no_audio_yet = False

    @property
    def settled(self) -> bool:
        """Whether every question has its answer and every planned sentence has been spoken."""
        return not (self.reply_pending or self.speaking or self.tools or self._unsaid)

    @property
    def pending_text(self) -> str:
        """Planned words that are playing or about to play, but are not final yet."""
        return " ".join(self._unsaid)

    @property
    def working(self) -> bool:
        """Whether a tool is running that the caller waits for, whatever the model said meanwhile."""
        return bool(self.tools - self._overtaken)

    def asked(self) -> None:
        """Record that the model was sent something to reply to."""
        self.reply_pending = True

    def tool_answered(self, tool_use_id: str) -> None:
        """Record that a tool's result has been sent to the model and that a reply to it is pending."""
        self.tools.discard(tool_use_id)
        # Words spoken while the tool ran, such as "let me see", were not the reply yet.
        self.reply_pending = self.reply_pending or tool_use_id not in self._overtaken
        self._overtaken.discard(tool_use_id)

    def hand_on(self, tool_use_id: str) -> None:
        """Record that another stream gets a tool's result, as part of a question."""
        self.tools.discard(tool_use_id)
        self._overtaken.discard(tool_use_id)
        self.asked()

    def take(self, event: ModelEvent) -> Facts:
        """Update the state with one event, and return the facts in the order in which they happened."""
        match event:
            case wire.AgentAudio(pcm):
                facts = self._take_audio(pcm)
            case wire.ContentStarted():
                facts = self._start_block(event)
            case wire.Text(words):
                facts = self._take_words(words)
            case wire.ContentEnded(reason=reason):
                facts = self._end_block(reason)
            case wire.ToolUse():
                facts = self._request_tool(event)
            case wire.CompletionEnded():
                facts = self._end_completion()
            case _:
                return self._report(event)
        return [_PROGRESS, *facts]

    def _report(self, event: ModelEvent) -> Facts:
        """Return the facts of events that come without the model working on an answer."""
        match event:
            case wire.CompletionStarted(model_session_id):
                return [StreamStarted(model_session_id)]
            case wire.UserSpeechEnded():
                self._speech_end_known = True
                return [SpeechEnded()]
            case wire.Usage():
                return [TokensUsed(event)]
            case wire.UnknownModelEvent(name):
                return [UnknownEvent(name)]
        return []

    def interrupt(self) -> Facts:
        """Record an interruption; return its facts, none if this reply is already obsolete."""
        if self.obsolete:
            return []
        self.obsolete = True
        return [Interrupted(), *self._end_reply()]

    def cut_off(self) -> Facts:
        """Return the facts of a reply that cannot continue on its stream: observers count it as finished."""
        said: list[Fact] = [SentenceEnded()] if self._block.kind == "AUDIO" else []
        return [*said, *self._end_reply()]

    def lose(self) -> str:
        """Record that the stream is lost; return the words that will still be heard, though they never became final."""
        # A reply in progress is generated again; only a reply whose audio was complete will be heard in full.
        pending_text = "" if self.speaking else self.pending_text
        self.speaking = False
        self.tools.clear()
        self._overtaken.clear()
        self._unsaid.clear()
        return pending_text

    def _take_audio(self, pcm: bytes) -> list[Fact]:
        # The first audio ends the wait; words alone do not, because the caller cannot hear them.
        self.reply_pending, self.speaking = False, True
        first = self._no_audio_yet and not self.obsolete
        if first:
            self._no_audio_yet = False
        return [ReplyAudio(pcm, first, self.obsolete)]

    def _start_block(self, block: wire.ContentStarted) -> list[Fact]:
        self._block = block
        facts: list[Fact] = []
        if block.kind == "AUDIO":
            facts.append(AudioStarted(block.sample_rate))
        # Nova announces the caller's turn with a USER block, before its transcript.
        if block.role == Role.USER:
            facts += [AnswerOver(self._was_heard()), TurnStarted(not self._caller_has_turn)]
            self._caller_has_turn = True
            self.reply_pending, self.speaking = True, False
            self._overtaken |= self.tools
            self._unsaid.clear()
        elif block.role == Role.ASSISTANT and (block.speculative or block.kind == "AUDIO"):
            self.obsolete = False
            facts += self._start_reply()
        return facts

    def _start_reply(self) -> list[Fact]:
        # A reply consists of several blocks: words and audio of each sentence.
        if self.replying:
            return []
        self.replying = self._no_audio_yet = True
        return [*self._transcribe(), ReplyStarted()]

    def _take_words(self, words: str) -> list[Fact]:
        block = self._block
        if block.role == Role.USER:
            self._heard.append(words)
            return [CallerWords(words)]
        if wire.interrupts(words):
            self.speaking = False
            self._unsaid.clear()
            return [*self.interrupt()]
        if block.role != Role.ASSISTANT:
            return []
        if block.speculative:
            self._unsaid.append(words)
            if _MARKUP.match(words):
                return [MarkupPlanned()]
            # The caller who has taken the turn will not hear it.
            return [] if self.obsolete else [TextPlanned(words)]
        # Final text repeats the planned sentences one by one: each completes the oldest planned one.
        if self._unsaid:
            self._unsaid.pop(0)
        return [TextFinal(words)] if block.kind == "TEXT" else []

    def _end_block(self, reason: StopReason) -> list[Fact]:
        block = self._block
        facts: list[Fact] = []
        if self._caller_has_turn:
            self._caller_has_turn = False
            facts.append(TurnEnded())
        if block.role == Role.USER:
            # Nova 2.5 has already reported this, and its report is the earlier, more accurate time.
            if not self._speech_end_known:
                facts.append(SpeechEnded())
            self._speech_end_known = False
        if reason is StopReason.INTERRUPTED:
            facts.append(AnswerOver(self._was_heard()))
        if block.role != Role.ASSISTANT:
            return facts
        ended = reason is StopReason.END_TURN
        if reason is StopReason.INTERRUPTED:
            self.speaking = False
            self._unsaid.clear()
            facts += self.interrupt()
        elif block.kind == "AUDIO":
            facts.append(SentenceEnded())
            if ended:
                facts += [AnswerOver(self._was_heard()), *self._end_reply()]
                self.speaking = False
        elif ended and not block.speculative:
            self._unsaid.clear()
        return facts

    def _request_tool(self, use: wire.ToolUse) -> list[Fact]:
        self.speaking, self.reply_pending = False, True
        self.tools.add(use.tool_use_id)
        # What was said before a tool call is a reply of its own.
        return [*self._transcribe(), *self._end_reply(), ToolRequested(use)]

    def _end_completion(self) -> list[Fact]:
        over: list[Fact] = [AnswerOver(self._was_heard())] if self.speaking else []
        self.speaking = False
        self._unsaid.clear()
        return [*over, *self._end_reply()]

    def _end_reply(self) -> list[Fact]:
        ended, self.replying = self.replying, False
        return [ReplyEnded()] if ended else []

    def _transcribe(self) -> list[Fact]:
        words, self._heard = " ".join(self._heard), []
        return [TurnTranscribed(words)] if words else []

    def _was_heard(self) -> bool:
        return self.speaking and not self.working
