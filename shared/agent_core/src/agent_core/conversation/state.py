"""Decide what follows from what happens in a conversation. No I/O, no clock, no tasks.

`ConversationState` is the only place where goodbye, apology, transfer, keys, idle callers and hold announcements meet.
It takes one input at a time and returns actions, which the session carries out. A conversation has a phase; what an
input means depends on it:

- A person who was promised takes precedence over any goodbye, and over the apology.
- A goodbye is heard out; only a transfer withdraws it.
- After the first end nothing happens, except that keys that were being typed are kept.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent_core.conversation import signals
from agent_core.conversation.signals import (
    Action,
    Apologize,
    Ask,
    AskedBy,
    CallPerson,
    CutOff,
    End,
    EnterStage,
    Greet,
    Input,
    Play,
    PrepareTransfer,
    RefuseTransfer,
    RememberKeys,
    TakeValue,
)
from agent_core.conversation.value_keys import ValueKeys
from agent_core.conversation.waits import DisclosureWatch, Hold, Idle, IdleStep, KeyCollector, LastWords, Typed
from agent_core.events import EndReason
from agent_core.nova import facts
from agent_core.summary import BY_KEY

GREETING_SECONDS: Final = 1.5
"""Longest wait for a page's ready message; a client that sends no such message is greeted then."""
OVERTIME_SECONDS: Final = 5.0
"""How soon a caller past the time limit is wished goodbye after a transfer, which had precedence, has failed."""
SORRY_SECONDS: Final = 10.0
"""Longest time until the caller has heard the apology, after what they were hearing."""
_SORRY_MARGIN: Final = 0.2
LAST_CALL_SECONDS: Final = 5.0
"""Longest time for the call to a person without a model; Twilio answers within three seconds or not at all."""
MAX_TRANSFERS: Final = 2
"""Most transfers of one call. A caller who asks again after a failed attempt gets a second one, but not a third."""


class Phase(StrEnum):
    """Where a conversation is."""

    GREETING = "greeting"
    """The agent has not said anything yet."""
    TALKING = "talking"
    """Both sides may speak."""
    TRANSFERRING = "transferring"
    """A person is announced or called; the call continues if that fails."""
    CLOSING = "closing"
    """The agent says goodbye."""
    FAILING = "failing"
    """The model is lost for good: the apology is heard, then the conversation ends."""
    ENDED = "ended"
    """Its resources may remain for some seconds."""


@dataclass(frozen=True, slots=True)
class ConversationRules:
    """What differs between conversations.

    Attributes:
        idle_seconds: Silence after which the caller is asked whether they are still there; 0 never asks.
        way_to_ear: Seconds until audio that was sent has been heard.
        by_key: The person that key 0 calls; None if that key has no special meaning.
        transfers: How often the caller was transferred before and came back.
    """

    idle_seconds: float = 0.0
    way_to_ear: float = 0.0
    by_key: str | None = None
    transfers: int = 0


@dataclass(slots=True)
class _Transfer:
    destination: str
    called: bool = False


class ConversationState:
    """The state of one conversation.

    Args:
        rules: What differs between conversations.
        disclosure: Follows whether the caller has heard the disclosure.
    """

    def __init__(self, rules: ConversationRules, disclosure: DisclosureWatch) -> None:
        self._rules = rules
        self.disclosure = disclosure
        self._ended: EndReason | None = None
        self.failing: EndReason | None = None
        """Why the conversation ends without a model; None while there is one."""
        self._transfer: _Transfer | None = None
        self._transfers_left = MAX_TRANSFERS - rules.transfers
        self._kept_keys: list[str] = []
        self._greeted = False
        self._agent_spoke = False
        self._released = False
        self._last_call = False
        """Whether the conversation ends without a model even if a person is still being called."""
        self._keys = KeyCollector()
        self._value_keys = ValueKeys()
        self._goodbye = LastWords()
        self._announcement = LastWords()
        """Of a transfer: the person is called when it has been heard."""
        self._hold = Hold()
        self._idle = Idle(rules.idle_seconds)
        self._greet_at: float | None = None
        self._limit_at: float | None = None
        self._end_at: float | None = None
        """When the last words, or the apology, have reached the caller."""
        self._end_reason = EndReason.INTERNAL_ERROR

    @property
    def phase(self) -> Phase:
        """Where the conversation is."""
        # Computed, not stored, so that no transition can be forgotten. The order is that of precedence.
        if self._ended is not None:
            return Phase.ENDED
        if self._transfer is not None:
            return Phase.TRANSFERRING
        if self.failing is not None:
            return Phase.FAILING
        if self._goodbye.under_way:
            return Phase.CLOSING
        return Phase.TALKING if self._agent_spoke else Phase.GREETING

    @property
    def by_key(self) -> str | None:
        """The person that key 0 calls now; None if that key has no special meaning."""
        return self._rules.by_key if self._transfers_left > 0 else None

    @property
    def due(self) -> float | None:
        """When a `Tick` is due; None if nothing is awaited."""
        if self._ended is not None:
            return None
        times = (
            self._greet_at,
            self._limit_at,
            self._end_at,
            self._keys.due,
            self._value_keys.due,
            self._goodbye.due,
            self._announcement.due,
            self._hold.due,
            self._idle.due,
        )
        return min((time for time in times if time is not None), default=None)

    def on(self, one: Input, now: float) -> list[Action]:
        """Take one input; return what follows, in order.

        Args:
            one: What has happened.
            now: The time, in seconds of one clock.
        """
        if self._ended is not None:
            return self._on_late(one, now)
        match one:
            case signals.Tick():
                actions = self._tick(one, now)
            case signals.KeyPressed(key):
                actions = self._press_of_value(key, now) if self._value_keys.active else self._press(key, now)
            case signals.GoodbyeWanted(reason):
                actions = self._say_goodbye(reason, now)
            case signals.AgentSaidGoodbye():
                actions = self._close_after(EndReason.AGENT_ENDED, now)
            case signals.DisclosureOwed(sentence):
                # A goodbye or a transfer that has begun is not delayed; the record says what was heard.
                actions = [Ask("disclose", {"disclosure": sentence})] if self.phase is Phase.TALKING else []
            case signals.StageWanted(stage, call_id, result):
                # Who is promised a person, or hears a goodbye, hears nothing of another stage.
                stays = self.phase not in (Phase.GREETING, Phase.TALKING)
                actions = [] if stays else [EnterStage(stage, call_id, result)]
            case signals.Ended(reason):
                actions = self._end(reason)
            case signals.Released():
                actions = self._release(now)
            case _:
                actions = self._on_more(one, now)
        return actions

    def _on_late(self, one: Input, now: float) -> list[Action]:
        """Take an input after the end."""
        match one:
            case signals.Released() if not self._released:
                return self._release(now)
            case signals.TransferWanted():
                return [RefuseTransfer("already_transferred")]
        return []

    def _on_more(self, one: Input, now: float) -> list[Action]:
        """Take an input about people, the loss of the model, or the beginning."""
        match one:
            case signals.TransferWanted(destination, reason):
                return self._want_transfer(destination, reason, now)
            case signals.TransferSucceeded():
                self._transfer, self._transfers_left = None, 0
                return self._end(EndReason.TRANSFERRED)
            case signals.TransferFailed():
                return self._fail_transfer(now)
            case signals.ModelLost(reason):
                return self._lose_model(reason, now)
            case signals.ReadyToListen():
                return self._greet()
        return self._note(one, now)

    def _note(self, one: Input, now: float) -> list[Action]:
        """Record an input that only changes what is awaited."""
        match one:
            case signals.Started(seconds_left):
                self._limit_at = now + seconds_left
            case signals.Connected():
                self._idle.start(now)
                self._greet_at = now + GREETING_SECONDS
            case signals.ValueAwaited(awaited):
                self._await_value(now, awaited=awaited)
            case signals.ApologyPlaying(seconds):
                self._end_later(min(SORRY_SECONDS, seconds + _SORRY_MARGIN), self.failing, now)
            case signals.AnswerHeard():
                self._goodbye.answer_heard(now)
                self._announcement.answer_heard(now)
            case facts.ReplyStarted():
                self._agent_spoke = True
                self._goodbye.reply_started()
                self._announcement.reply_started()
            case facts.CallerWords() | facts.Asked(by_caller=True):
                self._idle.spoke()
        play = self._note_wait(one, now)
        return [] if play is None else [play]

    def _note_wait(self, one: Input, now: float) -> Play | None:
        """Record what the caller waits for; return an announcement that cannot wait."""
        match one:
            case facts.ReplyAudio():
                self._hold.answered()
            case facts.AnswerOver(spoken=True):
                self._hold.answer_ended()
            case facts.CallerWords() | facts.SpeechIgnored():
                self._hold.wait_for_turn(now)
            case facts.Asked():
                self._hold.wait_for_start(now)
            case signals.ToolStarted(filler):
                self._hold.work_began(filler, now)
            case facts.ToolAnswered(pending):
                if pending:
                    self._hold.work_ended(now)
                else:
                    self._hold.answered()
            case facts.StreamLost(waiting, cut_off, silently):
                return self._hold.lost(now, waiting=waiting, cut_off=cut_off, silently=silently)
            case facts.ConnectionClosed():
                self._hold.stop()
        return None

    def _tick(self, tick: signals.Tick, now: float) -> list[Action]:
        """Do everything that is due, until something ends the conversation."""
        actions: list[Action] = []
        # Keys first: a key 0 that is complete now takes precedence over a goodbye that is over now.
        for look in (self._tick_keys, self._tick_last_words, self._tick_limits, self._tick_silence):
            if self._ended is None:
                actions += look(tick, now)
        return actions

    def _tick_keys(self, _tick: signals.Tick, now: float) -> list[Action]:
        if (value := self._value_keys.expire(now)) is not None:
            return [TakeValue(value)]
        return [action for typed in self._keys.expire(now) for action in self._type(typed, now)]

    def _tick_last_words(self, _tick: signals.Tick, now: float) -> list[Action]:
        if (reason := self._goodbye.expire(now)) is not None:
            return self._goodbye_heard(reason, now)
        # The announcement's reason is always the transfer itself.
        return [] if self._announcement.expire(now) is None else self._call_person()

    def _tick_limits(self, _tick: signals.Tick, now: float) -> list[Action]:
        if self._end_at is not None and now >= self._end_at:
            return self._end_now(now)
        actions: list[Action] = []
        if self._greet_at is not None and now >= self._greet_at:
            actions += self._greet()
        if self._limit_at is not None and now >= self._limit_at:
            # A limit that is reached ends politely; if the goodbye cannot start now, it is tried again.
            self._limit_at = now + OVERTIME_SECONDS
            actions += self._say_goodbye(EndReason.MAX_DURATION, now)
        return actions

    def _tick_silence(self, tick: signals.Tick, now: float) -> list[Action]:
        actions: list[Action] = []
        if (announced := self._hold.expire(now, quiet=tick.quiet)) is not None:
            actions.append(announced)
        # A caller who listens to ringing is not idle.
        busy = self.phase is Phase.TRANSFERRING or tick.owes_answer or not tick.quiet
        match self._idle.expire(now, busy=busy):
            case IdleStep.ASK:
                actions.append(Ask("still_there"))
            case IdleStep.GIVE_UP:
                actions += self._say_goodbye(EndReason.IDLE_TIMEOUT, now)
        return actions

    def _greet(self) -> list[Action]:
        self._greet_at = None
        if self._greeted:
            return []
        self._greeted = True
        return [Greet()]

    # Keys.

    def _press(self, key: str, now: float) -> list[Action]:
        """Stop the agent at once; what was typed is known after a pause."""
        self._idle.noticed(now)
        # The goodbye, the announcement of a transfer and the apology are heard out: the call ends or changes with them.
        actions: list[Action] = [CutOff()] if self.phase in (Phase.GREETING, Phase.TALKING) else []
        complete = self._keys.press(key, now)
        if self.failing is not None:
            complete += self._keys.finish()  # without a model no number can be wanted: key 0 calls at once
        for typed in complete:
            actions += self._type(typed, now)
        return actions

    def _await_value(self, now: float, *, awaited: bool) -> None:
        # A call that ends or changes with the next words has no use for a value.
        if awaited and self.phase in (Phase.GREETING, Phase.TALKING):
            self._value_keys.start(now)
        elif not awaited:
            self._value_keys.stop()

    def _press_of_value(self, key: str, now: float) -> list[Action]:
        """Stop the agent, and collect: here 0 is a digit."""
        self._idle.noticed(now)
        value = self._value_keys.press(key, now)
        return [CutOff()] if value is None else [CutOff(), TakeValue(value)]

    def _type(self, typed: Typed, now: float) -> list[Action]:
        """Call a person, or inform the model; keys too late for both are kept."""
        if self._ended is not None:
            return [RememberKeys(typed.keys)]
        if self.phase is Phase.TRANSFERRING:
            # Impatience: another 0 does not make a second call.
            if not typed.wants_person:
                self._kept_keys.append(typed.keys)
            return []
        if typed.wants_person and (person := self.by_key) is not None:
            lost = self.failing is not None
            actions = [CutOff(), *self._begin_transfer(person, BY_KEY, "key", now)]
            return actions if lost else [*actions, Ask("transfer_by_key", {"destination": person})]
        return [Ask("keys_typed", {"keys": typed.keys}, by_caller=True)]

    def _finish_keys(self, now: float) -> list[Action]:
        return [action for typed in self._keys.finish() for action in self._type(typed, now)]

    # Transfers.

    def _want_transfer(self, destination: str, reason: str, now: float) -> list[Action]:
        if self._transfer is not None:
            # A model may repeat a tool call: the same request gets the same result while the transfer is in progress.
            other = destination != self._transfer.destination
            return [RefuseTransfer("transfer_under_way", self._transfer.destination)] if other else []
        if self._transfers_left <= 0:
            # More attempts would only keep the caller listening to ringing.
            return [RefuseTransfer("already_transferred")]
        return self._begin_transfer(destination, reason, "tool", now)

    def _begin_transfer(self, destination: str, reason: str, by: AskedBy, now: float) -> list[Action]:
        self._transfers_left -= 1
        self._transfer = _Transfer(destination)
        self._value_keys.stop()
        self._announcement.withdraw()  # of a failed attempt
        # A key cuts off what the agent was saying, which is therefore not the announcement.
        self._announcement.begin(EndReason.TRANSFERRED, now, still_speaking=by == "tool")
        # The goodbye yields, and the caller is watched again: the transfer may fail.
        self._goodbye.withdraw()
        if self.failing is None:
            self._end_at = None
        actions: list[Action] = [PrepareTransfer(destination, reason, by)]
        if self.failing is not None:
            return [*actions, *self._call_person()]  # no model is left to announce anything
        self._hold.resume()
        self._idle.start(now)
        return actions

    def _call_person(self) -> list[Action]:
        self._announcement.stop()
        if self._transfer is None or self._transfer.called:
            return []
        self._transfer.called = True
        return [CallPerson(self._transfer.destination)]

    def _fail_transfer(self, now: float) -> list[Action]:
        if self._transfer is None:
            return []
        destination = self._transfer.destination
        if self.failing is not None:
            self._transfer = None
            return self._end(self.failing)
        # Keys pressed during the transfer were meant for the agent, so it learns of them now.
        actions = self._finish_keys(now)
        self._transfer = None
        kept, self._kept_keys = tuple(self._kept_keys), []
        return [*actions, Ask("transfer_failed", {"destination": destination}, after_keys=kept)]

    # Ends.

    def _say_goodbye(self, reason: EndReason, now: float) -> list[Action]:
        """Let the agent say goodbye, then end; not twice, nor during a transfer, except to drain."""
        # Without a model it cannot be said, and the apology ends the conversation soon.
        if self.failing is not None or self._goodbye.under_way:
            return []
        if self.phase is Phase.TRANSFERRING and reason is not EndReason.DRAINED:
            return []
        self._close(reason, now)
        return [Ask("goodbye")]

    def _close_after(self, reason: EndReason, now: float) -> list[Action]:
        """Close without words of ours: the model says goodbye, or has said it. A promised person has precedence."""
        if self.phase is not Phase.TRANSFERRING:
            self._close(reason, now)
        return []

    def _close(self, reason: EndReason, now: float) -> None:
        self._hold.stop()
        self._idle.pause()
        self._value_keys.stop()
        self._goodbye.begin(reason, now)

    def _goodbye_heard(self, reason: EndReason, now: float) -> list[Action]:
        transferring = self.phase is Phase.TRANSFERRING
        actions = self._finish_keys(now)
        if self.phase is Phase.TRANSFERRING and not transferring:
            return actions  # key 0 was pressed during the goodbye: its pause is cut short
        # The last words are still on their way to the visitor.
        self._end_later(self._rules.way_to_ear, reason, now)
        return [*actions, *(self._end_now(now) if not self._rules.way_to_ear else [])]

    def _lose_model(self, reason: EndReason, now: float) -> list[Action]:
        """Apologize, then end; a transfer to a person takes precedence."""
        if self.failing is not None:
            return []
        actions = self._finish_keys(now)  # a pending key 0 takes precedence over the apology
        self._value_keys.stop()  # without a model no value is of use, and key 0 calls a person again
        self._hold.stop()
        self._idle.stop()
        self.failing = reason
        if self._transfer is None:
            return [*actions, Apologize()]
        # The model can no longer announce the person, so the call is made without an announcement.
        self._last_call = True
        self._end_later(LAST_CALL_SECONDS, reason, now)
        return [*actions, *self._call_person()]

    def _end_later(self, seconds: float, reason: EndReason | None, now: float) -> None:
        self._end_at = now + seconds
        self._end_reason = reason or EndReason.INTERNAL_ERROR

    def _end_now(self, now: float) -> list[Action]:
        self._end_at = None
        if self.failing is not None and self._transfer is not None and not self._last_call:
            # Key 0 was pressed during the apology: the call to a person gets its own time.
            self._last_call = True
            self._end_later(LAST_CALL_SECONDS, self.failing, now)
            return []
        return self._end(self._end_reason)

    def _end(self, reason: EndReason) -> list[Action]:
        self._ended = reason
        return [End(reason)]

    def _release(self, now: float) -> list[Action]:
        """Keep what was being typed when the conversation ended; a cancelled one has no reason yet."""
        actions = [] if self._ended is not None else self._end(EndReason.DRAINED)
        actions += self._finish_keys(now)
        actions += [RememberKeys(keys) for keys in self._kept_keys]
        self._released = True
        return actions
