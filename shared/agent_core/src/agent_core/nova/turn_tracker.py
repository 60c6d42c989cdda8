"""Who is to speak next, read off the model's events. No I/O."""

from agent_core.nova import wire
from agent_core.nova.wire import ModelEvent, Role, StopReason


class TurnTracker:
    """Follows one conversation, over as many streams as it takes."""

    def __init__(self) -> None:
        self.reply_pending = False
        """Somebody waits for an answer of which no sound has come."""
        self.speaking = False
        """An answer is being delivered."""
        self.tools: set[str] = set()
        """Tool uses that the model waits for."""
        self._overtaken: set[str] = set()
        """Those among them that the caller has passed over with another turn: nobody else waits for them."""
        self._unsaid: list[str] = []
        self.block = wire.ContentStarted("", "", speculative=False)
        """The block that the next words or sound are in."""

    @property
    def settled(self) -> bool:
        """Whether all that was asked is answered and all that was planned is said."""
        return not (self.reply_pending or self.speaking or self.tools or self._unsaid)

    @property
    def pending_text(self) -> str:
        """Words that are planned, and heard or about to be, but not final yet."""
        return " ".join(self._unsaid)

    @property
    def working(self) -> bool:
        """Whether a tool is at work that somebody waits for, whatever the model said meanwhile."""
        return bool(self.tools - self._overtaken)

    def asked(self) -> None:
        """Note that the model was given something to answer."""
        self.reply_pending = True

    def answer_ends(self, event: ModelEvent) -> bool:
        """Tell whether an event ends the agent's answer, by its own end or because the caller took the turn."""
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
        """Note that a tool's result is on its way to the model, and that somebody waits for what it makes of it."""
        self.tools.discard(tool_use_id)
        # What was said while the tool worked, such as "let me see", was no answer yet.
        self.reply_pending = self.reply_pending or tool_use_id not in self._overtaken
        self._overtaken.discard(tool_use_id)

    def take(self, event: ModelEvent) -> None:
        """Note what an event changes."""
        match event:
            case wire.ContentStarted():
                self.block = event
                if event.role == Role.USER:
                    self._give_to_caller()
            case wire.Text(words) if self.block.role == Role.ASSISTANT:
                self._take_words(words)
            case wire.AgentAudio():
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
        """Note that the stream is lost. Gives the words that were still to become final, but will be heard."""
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
            self._unsaid.pop(0)

    def _end_block(self, reason: StopReason) -> None:
        if reason is StopReason.INTERRUPTED:
            self.speaking = False
            self._unsaid.clear()
        elif reason is StopReason.END_TURN and self.block.kind == "AUDIO":
            self.speaking = False
        elif reason is StopReason.END_TURN and not self.block.speculative:
            self._unsaid.clear()
