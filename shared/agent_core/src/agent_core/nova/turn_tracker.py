"""Track whose turn it is, from the model's events. No I/O."""

from agent_core.nova import wire
from agent_core.nova.wire import ModelEvent, Role, StopReason


class TurnTracker:
    """Tracks the turns of one conversation across all its streams."""

    def __init__(self) -> None:
        self.reply_pending = False
        """A reply is pending and none of its audio has arrived."""
        self.speaking = False
        """A reply is being delivered."""
        self.tools: set[str] = set()
        """Tool uses whose results the model waits for."""
        self._overtaken: set[str] = set()
        """Those among them that the caller has overtaken with a new turn: the caller no longer waits for their results.
        """
        self._unsaid: list[str] = []
        self.block = wire.ContentStarted("", "", speculative=False)
        """The block that the next words or audio belong to."""

    @property
    def settled(self) -> bool:
        """Whether every question has its reply and every planned sentence has been spoken."""
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

    def answer_ends(self, event: ModelEvent) -> bool:
        """Return whether an event ends the agent's reply: the reply finished, or the caller took the turn."""
        match event:
            case wire.ContentStarted(role=role):
                return role == Role.USER
            case wire.CompletionEnded():
                return self.speaking
            case wire.ContentEnded(reason=StopReason.END_TURN):
                return self.block.role == Role.ASSISTANT and self.block.kind == "AUDIO"
            case wire.ContentEnded(reason=StopReason.INTERRUPTED):
                return True
        return False

    def tool_answered(self, tool_use_id: str) -> None:
        """Record that a tool's result has been sent to the model and that a reply to it is pending."""
        self.tools.discard(tool_use_id)
        # Words spoken while the tool ran, such as "let me see", were not the reply yet.
        self.reply_pending = self.reply_pending or tool_use_id not in self._overtaken
        self._overtaken.discard(tool_use_id)

    def take(self, event: ModelEvent) -> None:
        """Update the state with one event."""
        match event:
            case wire.ContentStarted():
                self.block = event
                # Nova announces the caller's turn with a USER block, before its transcript.
                if event.role == Role.USER:
                    self._give_to_caller()
            case wire.Text(words) if self.block.role == Role.ASSISTANT:
                self._take_words(words)
            case wire.AgentAudio():
                # The first audio ends the wait; words alone do not, because the caller cannot hear them.
                self.reply_pending, self.speaking = False, True
            case wire.ToolUse(tool_use_id):
                self.speaking, self.reply_pending = False, True
                self.tools.add(tool_use_id)
            case wire.ContentEnded(reason=reason) if self.block.role == Role.ASSISTANT:
                self._end_block(reason)
            case wire.CompletionEnded():
                self.speaking = False
                self._unsaid.clear()

    def lose(self) -> str:
        """Record that the stream is lost; return the words that will still be heard, though they never became final."""
        # A reply in progress is generated again; only a reply whose audio was complete will be heard in full.
        pending_text = "" if self.speaking else self.pending_text
        self.speaking = False
        self.tools.clear()
        self._overtaken.clear()
        self._unsaid.clear()
        return pending_text

    def _give_to_caller(self) -> None:
        self.reply_pending, self.speaking = True, False
        self._overtaken |= self.tools
        self._unsaid.clear()

    def _take_words(self, words: str) -> None:
        if wire.interrupts(words):
            self.speaking = False
            self._unsaid.clear()
        elif self.block.speculative:
            self._unsaid.append(words)
        elif self._unsaid:
            # Final text repeats the planned sentences one by one: each completes the oldest planned one.
            self._unsaid.pop(0)

    def _end_block(self, reason: StopReason) -> None:
        if reason is StopReason.INTERRUPTED:
            self.speaking = False
            self._unsaid.clear()
        elif reason is StopReason.END_TURN and self.block.kind == "AUDIO":
            self.speaking = False
        elif reason is StopReason.END_TURN and not self.block.speculative:
            self._unsaid.clear()
