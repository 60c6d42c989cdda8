"""Hold what all calls of this process share."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Protocol
from uuid import uuid4

from cachetools import LRUCache, TTLCache

from agent_core.adapters.call_store.store import CallStore
from agent_core.admission import Slot
from agent_core.agent_runtime import AgentRuntime
from agent_core.agents.agent import Agent
from agent_core.agents.stages import StagePosition
from agent_core.call_state import CallState
from agent_core.capture.values import known_handles
from agent_core.destinations import Destination
from agent_core.errors import AtCapacity, ModelBusy, PermissionRefused
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.nova.model_session import ModelSession
from agent_core.nova.prewarm_pool import PrewarmedSession, PrewarmPool
from agent_core.resumption import OVER, for_model
from agent_core.resumption import history as said_before
from agent_core.sentence import Sentence
from agent_core.sentences import Sentences
from phone_agent import resume_action, twiml
from phone_agent.call_control import CallControl
from phone_agent.caller import number_of_ours
from phone_agent.settings import PhoneSettings
from phone_agent.signature import SignatureVerifier
from phone_agent.stream_token import StreamTokenIssuer
from phone_agent.transfer_context import SHORT, TransferContext, TransferContextCodec
from phone_agent.twilio_audio_sink import SAMPLE_RATE
from phone_agent.twilio_transfer import TransferService

_REMEMBER = timedelta(hours=1)
"""How long an answered call is remembered. A captured webhook can be replayed indefinitely, because its signature has
no date; a known call gets the same document again, but no second model stream.
"""
_MAX_REMEMBERED = 10_000
MAX_TRIES = 3
"""Most tasks that a call tries before it is rejected. It rings meanwhile."""
_MAX_UNPROVEN = 20
"""Most sockets without a valid ticket yet. Twilio presents its ticket at once, so more at a time are not Twilio's."""


class Supersedable(Protocol):
    """An active call."""

    def lose(self) -> None:
        """End its conversation: Twilio has opened another stream for it."""


class PhoneService:
    """The phone service's parts, made once.

    Args:
        settings: Of the phone service.
        agent: What all conversations share.
        control: Hangs up and transfers.
        store: Keeps the state of calls, so that they outlive this task.
    """

    def __init__(
        self, settings: PhoneSettings, agent: AgentRuntime, control: CallControl, store: CallStore | None = None
    ) -> None:
        self.settings = settings
        self.agent = agent
        self.control = control
        self.store = store or CallStore()
        agent.hands_over = self.store.remembers
        self.live: dict[str, Supersedable] = {}
        """Calls that have a stream here, by their sid."""
        self.verifier = SignatureVerifier(settings.auth_tokens, settings.public_base_url, settings.shared_keys)
        self.tickets = StreamTokenIssuer.from_auth_tokens(settings.auth_tokens)
        self.notes = TransferContextCodec.from_auth_tokens(settings.auth_tokens)
        self.prewarm_pool = PrewarmPool(self._open_model, self._note_abandoned)
        self._answered: TTLCache[str, None] = TTLCache(_MAX_REMEMBERED, _REMEMBER.total_seconds(), timer=time.monotonic)
        self._ended: LRUCache[str, EndReason] = LRUCache(_MAX_REMEMBERED)
        self._unproven = 0
        self._expected: set[str] = set()
        self._url = base = f"{settings.base_url}/incoming-call"
        self._status_url = f"{base}/stream-status"
        self.transfer_service = TransferService(
            self._people_of,
            control,
            self.notes,
            base_url=base,
            ring=settings.transfer_ring,
            caller_id=settings.transfer_caller_id,
            accept=settings.transfer_accept,
        )
        self.fallback = twiml.Fallback(
            destination=settings.fallback_destination,
            dial_action_url=f"{base}/dial-ended",
            caller_id=settings.transfer_caller_id,
        )

    def _people_of(self, agent: str) -> Sequence[Destination]:
        return self.agent.agents.resumed(agent, "").people

    def reserve(self, call_sid: str, part: int = 0) -> Slot | None:
        """Reserve a slot for a call that rings or returns; None if this one has reserved already.

        Raises:
            PermissionRefused: every slot is taken, or this task accepts nothing new.
        """
        name = _name(call_sid, part)
        if name in self._answered:
            return None
        slot = self.agent.admission.admit()
        try:
            self.prewarm_pool.hold(name, slot)
        except BaseException:
            slot.release()
            self.agent.keep(_record(call_sid, EndReason.INTERNAL_ERROR, 0.0, SessionStats()))
            raise
        self._answered[name] = None
        return slot

    def speaker_of(self, call: CallState | Mapping[str, str]) -> Agent:
        """Return the agent of a call.

        Args:
            call: The call's state, or the fields of a webhook about it.
        """
        if isinstance(call, CallState):
            return self.agent.agents.resumed(call.agent, call.agent_version)
        return self.agent.agents.for_number(number_of_ours(call))

    def sentences_for(self, call: CallState | Mapping[str, str]) -> Sentences:
        """Return what is said in a call apart from the model, in its agent's language."""
        return self.speaker_of(call).sentences

    def sentences_of_person(self, note: TransferContext | None) -> Sentences:
        """Return the sentences for a person who is called, in their own language if it is known.

        Args:
            note: Transfer context; None if it was unreadable.
        """
        # Not by number: the fields of the person's own call have theirs.
        if note is None:
            return self.agent.agents.default.sentences
        sentences = self.agent.agents.resumed(note.agent, "").sentences
        return sentences.in_language(self.transfer_service.language_of(note.agent, note.destination))

    def fallback_for(self, caller_id: str | None, sentences: Sentences) -> twiml.Fallback:
        """Return a call's fallback; its person sees this number unless a setting names another."""
        number = self.fallback.caller_id or caller_id
        return replace(self.fallback, caller_id=number, sorry=sentences[Sentence.SORRY], language=sentences.language)

    def reject(self, refusal: PermissionRefused, tries: int, sentences: Sentences, caller_id: str | None = None) -> str:
        """Return the document for a call that this task does not accept.

        Args:
            refusal: Why.
            tries: Number of tasks that rejected it before.
            sentences: In the caller's language.
            caller_id: Number of ours to show to a person who is dialled.
        """
        if tries + 1 < MAX_TRIES and not isinstance(refusal, ModelBusy):
            # The first retry is immediate, because a draining task gets no new requests. Later ones wait for a free
            # slot.
            return twiml.retry_on_another_task(f"{self._url}?tries={tries + 1}", pause=timedelta(seconds=tries))
        if self.fallback.destination is not None:
            busy = sentences[Sentence.ASSISTANTS_BUSY]
            return twiml.put_through(replace(self.fallback_for(caller_id, sentences), sorry=busy))
        return twiml.hang_up_after(sentences.of_error(refusal.spoken), sentences.language)

    def ended_as(self, call_sid: str, reason: EndReason) -> None:
        """Record how a call's last conversation ended here: Twilio may request what comes next."""
        if self._ended.get(call_sid) in OVER:
            return  # a replaced stream of this call ends later and adds nothing
        self._ended[call_sid] = reason

    def way(self, call: CallState | None, call_sid: str, part: int, seconds_left: float) -> resume_action.ResumeAction:
        """Decide how to continue a call whose stream is over.

        Args:
            call: Its stored state.
            call_sid: The call.
            part: Which of the call's streams.
            seconds_left: How long the call may still last.
        """
        if self.ended_normally(call_sid):
            return resume_action.ResumeAction.HANG_UP
        return resume_action.way(call, part, seconds_left)

    def ended_normally(self, call_sid: str) -> bool:
        """Return whether a call's conversation was over, as far as this task knows."""
        return self._ended.get(call_sid) in OVER and call_sid not in self.live

    async def prewarm(self, call: CallState, pause: int = 0) -> None:
        """Pre-warm a model session for a call whose socket is about to open; async so that it runs on this loop.

        Args:
            call: The call and its stream. Its slot is reserved.
            pause: Seconds for which Twilio pauses before.
        """
        name, ahead = _name(call.call_sid, call.part), self.agent.capacity.ahead()
        self.prewarm_pool.begin(name, call, call.facts, ahead=ahead, later=timedelta(seconds=pause))

    async def _open_model(self, call: CallState) -> ModelSession:
        # The caller's last words are sent later as a question, so they are left out here.
        said = for_model(said_before(call))
        speaker = self.agent.agents.resumed(call.agent, call.agent_version)
        at, handles = StagePosition(call.stage, call.known), known_handles(call.captured)
        rates = (SAMPLE_RATE, SAMPLE_RATE)
        prompt = self.agent.prompt(rates, call.facts, said, agent=speaker, at=at, captured=handles)
        return await self.agent.open_model(prompt)

    @contextmanager
    def unless_failed(self, call_sid: str, slot: Slot | None, part: int = 0) -> Iterator[None]:
        """Release a call's slot at once if the block raises, and record the call as failed; None has none to release.

        Otherwise the slot would be returned only when its time expires.
        """
        try:
            yield
        except BaseException:
            if slot is not None:
                self._answered.pop(_name(call_sid, part), None)
                self.prewarm_pool.dismiss(_name(call_sid, part), self._note_failed)
            raise

    async def fail(self, call_sid: str, slot: Slot, prewarmed: PrewarmedSession | None) -> None:
        """Release what a stream took before a defect prevented its conversation, and record it."""
        # The slot first: whatever fails after it, the next call has room.
        slot.release()
        if prewarmed is not None:
            await prewarmed.discard()
        self.agent.keep(_record(call_sid, EndReason.INTERNAL_ERROR, 0.0, SessionStats()))

    def adopt(self, call_sid: str, part: int) -> PrewarmedSession | None:
        """Return what was pre-warmed for a call."""
        return self.prewarm_pool.adopt(_name(call_sid, part))

    def _note_abandoned(self, name: str, prewarmed: PrewarmedSession) -> None:
        """Record a call whose stream never arrived: it used a slot and a model stream too."""
        self._keep_record(name, prewarmed, EndReason.NEVER_CONNECTED)

    def _note_failed(self, name: str, prewarmed: PrewarmedSession) -> None:
        """Record a call whose stream a defect of ours prevented."""
        self._keep_record(name, prewarmed, EndReason.INTERNAL_ERROR)

    def _keep_record(self, name: str, prewarmed: PrewarmedSession, reason: EndReason) -> None:
        streams = SessionStats(model_streams=int(prewarmed.opening is not None))
        self.agent.keep(_record(name.partition("/")[0], reason, time.monotonic() - prewarmed.since, streams))

    def _is_parked(self, call_sid: str) -> bool:
        """Return whether anything is pre-warmed for a call."""
        return any(_name(call_sid, part) in self.prewarm_pool for part in range(resume_action.MAX_PARTS + 1))

    def give_up(self, call_sid: str, part: int) -> None:
        """Stop waiting for a stream that another task carries."""
        self.prewarm_pool.dismiss(_name(call_sid, part))

    @contextmanager
    def unauthenticated(self, call_sid: str | None) -> Iterator[None]:
        """Count a socket until it has presented its ticket; the first one of a call with a slot here is expected.

        A rejected socket releases nothing: what was pre-warmed may be for another one, and has a time limit.

        Raises:
            AtCapacity: too many are being counted.
        """
        with self._counted(call_sid if call_sid is not None and self._is_parked(call_sid) else None):
            yield

    @contextmanager
    def _counted(self, call_sid: str | None) -> Iterator[None]:
        # A call that rings here always gets in, however many strangers connect.
        if call_sid is not None and call_sid not in self._expected:
            self._expected.add(call_sid)
            try:
                yield
            finally:
                self._expected.discard(call_sid)
            return
        if self._unproven >= _MAX_UNPROVEN:
            raise AtCapacity("too many sockets without a ticket")
        self._unproven += 1
        try:
            yield
        finally:
            self._unproven -= 1

    def answer(self, call: CallState, account_sid: str, *, pause: int = 0, note: TransferContext | None = None) -> str:
        """Return the document that connects a call.

        Args:
            call: The call and its stream.
            account_sid: Its account.
            pause: Seconds to wait before.
            note: Transfer context of a caller who returns from a person.
        """
        sentences = self.sentences_for(call)
        # Twilio runs the verbs after the stream when it ends for any reason, so they decide what a failure sounds like.
        if self.store.remembers:
            behind: twiml.Fallback | twiml.ResumeRedirect = twiml.ResumeRedirect(
                self.lost_url(call.part) + twiml.TRY_AGAIN, sentences[Sentence.WAIT], sentences.language
            )
        elif self.control.works is False:
            # The hang-up may not reach Twilio. Then only this task knows that the call is over and that no person may
            # be dialled.
            behind = twiml.ResumeRedirect(f"{self._url}/after{twiml.TRY_AGAIN}", wait=None)
        else:
            behind = self.fallback_for(call.caller_id, sentences)
        # The default agent needs no mention, so that tasks of the previous version can redeem its tickets.
        named = call.agent and call.agent != self.agent.agents.default.id
        speaker = f"{call.agent}@{call.agent_version}" if named else None
        return twiml.answer(
            twiml.stream_url(self.settings.base_url, call.call_sid),
            self.tickets.for_call(call.call_sid, account_sid, call.part, call.caller_id, speaker),
            part=call.part,
            agent=speaker,
            caller_id=call.caller_id,
            note=self.notes.seal(note, SHORT) if note is not None else None,
            pause=pause,
            fallback=behind,
            status_callback_url=self._status_url,
        )

    def called_url(self, *, again: bool) -> str:
        """Return the URL that Twilio requests when a person we called has pressed a key.

        Args:
            again: They have pressed a wrong one before.
        """
        return f"{self._url}/called{'?again=1' if again else ''}{twiml.TRY_AGAIN}"

    def lost_url(self, part: int) -> str:
        """Return the URL that Twilio requests when a stream of a call was lost."""
        return f"{self._url}/lost?part={part}"


def _name(call_sid: str, part: int) -> str:
    return f"{call_sid}/{part}" if part else call_sid


def _record(call_sid: str, reason: EndReason, seconds: float, stats: SessionStats) -> CallDetailRecord:
    """Return the record of a call that had a slot here but no conversation."""
    return CallDetailRecord(
        session_id=uuid4().hex,
        channel="phone",
        reason=reason,
        started_at=time.time() - seconds,
        duration_ms=round(seconds * 1000),
        stats=stats,
        call_sid=call_sid,
    )
