"""Transfer a caller to a person: instruct Twilio to dial, and to inform the person first."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from agent_core.destinations import Destination
from agent_core.errors import UpstreamError
from agent_core.sentences import Sentences
from agent_core.summary import about
from phone_agent import twiml
from phone_agent.accepting import Accept
from phone_agent.call_control import CallControl
from phone_agent.spelling import in_ascii
from phone_agent.transfer_context import AFTER_THE_TALK, LONG, TransferContext, TransferContextCodec

_ENGLISH: Final = Sentences.of()


class TransferService:
    """What all transfers share.

    Args:
        people_of: Returns the people of an agent, by the name of its folder.
        control: Changes live calls.
        notes: Encrypts what other tasks need to know.
        base_url: URL of the callbacks, without a trailing slash.
        ring: How long each person's phone rings.
        caller_id: Number that every person sees; None shows the caller's, or the number that a call brings along.
        accept: Who must press a key.
    """

    def __init__(  # noqa: PLR0913 - what all transfers share, made in one place
        self,
        people_of: Callable[[str], Sequence[Destination]],
        control: CallControl,
        notes: TransferContextCodec,
        *,
        base_url: str,
        ring: timedelta,
        caller_id: str | None = None,
        accept: Accept = Accept.AUTO,
    ) -> None:
        self._people_of = people_of
        self._control = control
        self._notes = notes
        self._base_url = base_url
        self._ring = ring
        self._caller_id = caller_id
        self._accept = accept

    def names(self, agent: str) -> tuple[str, ...]:
        """Return the names of the people that an agent can call."""
        return tuple(one.name for one in self._people_of(agent))

    def _destination(self, note: TransferContext) -> Destination | None:
        return next((one for one in self._people_of(note.agent) if one.name == note.destination), None)

    def language_of(self, agent: str, destination: str) -> str | None:
        """Return the language of a person of an agent, if it is configured; None means the agent's."""
        return next((one.language for one in self._people_of(agent) if one.name == destination), None)

    async def connect(
        self, note: TransferContext, caller_id: str | None = None, sentences: Sentences = _ENGLISH
    ) -> None:
        """Transfer a caller.

        Args:
            note: What is known of the call.
            caller_id: Number of ours to show to the person.
            sentences: In which the summary was written.

        Raises:
            UpstreamError: Twilio could not be reached; the call continues unchanged.
        """
        note = replace(note, about=about(note.summary, sentences), asked_at=time.time())
        await self._control.redirect(note.call_sid, self.document(note, caller_id))

    def next_address(self, note: TransferContext) -> TransferContext | None:
        """Return the context for the next address of the same destination; None if there is none."""
        destination = self._destination(note)
        has_more = destination is not None and note.address + 1 < len(destination.addresses)
        return replace(note, address=note.address + 1) if has_more else None

    def document(self, note: TransferContext, caller_id: str | None = None) -> str:
        """Return the TwiML that calls the person.

        Raises:
            UpstreamError: the agent's folder was edited meanwhile and no longer names the person.
        """
        destination = self._destination(note)
        if destination is None or note.address >= len(destination.addresses):
            raise UpstreamError("transfer", "UnknownPerson")
        address = destination.addresses[note.address]
        # The person hears only the short form, and the URL has room for little more.
        whisper = self._notes.seal(replace(note, summary=note.about, about=""), LONG)
        accept = "accept=key&" if self._accept.asks(address) else ""
        # SIP headers carry ASCII only.
        summary = in_ascii(note.summary)
        return twiml.transfer(
            address,
            headers={"summary": summary} if address.startswith("client:") else {"X-Call-Summary": summary},
            whisper_url=f"{self._base_url}/whisper?{accept}note={whisper}{twiml.TRY_AGAIN}",
            action_url=self.after_url(note) + twiml.TRY_AGAIN,
            ring=self._ring,
            caller_id=self._caller_id or caller_id,
        )

    def accepted_url(self, note: TransferContext | None, answered_at: float, *, again: bool = False) -> str:
        """Return the URL that Twilio requests when a person has pressed a key.

        Args:
            note: Transfer context; None if it was unreadable.
            answered_at: Unix seconds.
            again: Whether the person has pressed a wrong key before.
        """
        query = ["again=1"] if again else []
        query += [f"answered={answered_at:.1f}"]
        query += [f"note={self._notes.seal(replace(note, summary=''))}"] if note is not None else []
        return f"{self._base_url}/accepted?{'&'.join(query)}{twiml.TRY_AGAIN}"

    def after_url(self, note: TransferContext) -> str:
        """Return the URL that Twilio requests after the person's call."""
        return f"{self._base_url}/dial-ended?note={self._notes.seal(note, LONG, AFTER_THE_TALK)}"


class TwilioTransfer:
    """Transfers one caller to a person.

    Args:
        transfer_service: What all transfers share.
        call_sid: The caller's call.
        began_at: Unix seconds at which the call started: its time limit continues if the caller returns.
        caller_id: Number of ours to show to the person.
        transfers: How often the caller was transferred before.
        agent: Folder name of the agent that speaks.
        sentences: Of the caller's agent.
    """

    takes_over = True

    def __init__(  # noqa: PLR0913 - what one transfer needs
        self,
        transfer_service: TransferService,
        call_sid: str,
        began_at: float = 0.0,
        caller_id: str | None = None,
        *,
        transfers: int = 0,
        agent: str = "",
        sentences: Sentences = _ENGLISH,
    ) -> None:
        self._sentences = sentences
        self._transfer_service = transfer_service
        self._call_sid = call_sid
        self._began_at = began_at
        self._caller_id = caller_id
        self._transfers = transfers
        self._agent = agent

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the people who can be called."""
        return self._transfer_service.names(self._agent)

    def language_of(self, destination: str) -> str | None:
        """Return the language of a person, if it is configured."""
        return self._transfer_service.language_of(self._agent, destination)

    async def bring(self, destination: str, summary: str) -> None:
        """Transfer the caller.

        Raises:
            UpstreamError: Twilio could not be reached; the call continues unchanged.
        """
        note = TransferContext(
            self._call_sid, destination, summary, self._began_at, transfers=self._transfers + 1, agent=self._agent
        )
        sentences = self._sentences.in_language(self.language_of(destination))
        await self._transfer_service.connect(note, self._caller_id, sentences)
