"""How a caller is put through to a person: Twilio is told to dial, and to tell the person first what it is about."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from agent_core.destinations import Destination
from agent_core.summary import spoken
from phone_agent import twiml
from phone_agent.accepting import Accept
from phone_agent.call_control import CallControl
from phone_agent.note import AFTER_THE_TALK, LONG, SHORT, Note, Notes
from phone_agent.spelling import in_ascii


class Switchboard:
    """What all calls need to be put through.

    Args:
        destinations: Who is configured.
        control: Changes live calls.
        notes: Seals what other tasks need to know.
        base_url: Address of the callbacks, without a slash at its end.
        ring: How long somebody is rung.
        caller_id: Number that every person is shown; None shows the caller's, or the number that a call brings along.
        accept: Who has to press a key.
    """

    def __init__(  # noqa: PLR0913 - what all transfers have in common, made in one place
        self,
        destinations: Sequence[Destination],
        control: CallControl,
        notes: Notes,
        *,
        base_url: str,
        ring: timedelta,
        caller_id: str | None = None,
        accept: Accept = Accept.AUTO,
    ) -> None:
        self._destinations = {one.name: one for one in destinations}
        self._control = control
        self._notes = notes
        self._base_url = base_url
        self._ring = ring
        self._caller_id = caller_id
        self._accept = accept

    @property
    def names(self) -> tuple[str, ...]:
        """Who can be called."""
        return tuple(self._destinations)

    async def connect(self, note: Note, caller_id: str | None = None) -> None:
        """Put a caller through.

        Raises:
            UpstreamError: Twilio could not be told; the call goes on as it was.
        """
        await self._control.redirect(note.call_sid, self.document(note, caller_id))

    def document(self, note: Note, caller_id: str | None = None) -> str:
        """Make what Twilio is told."""
        address = self._destinations[note.destination].address
        whisper = self._notes.seal(replace(note, summary=spoken(note.summary)), LONG)
        accept = "accept=key&" if self._accept.asks(address) else ""
        return twiml.transfer(
            address,
            headers={"X-Call-Summary": in_ascii(note.summary)},
            whisper_url=f"{self._base_url}/whisper?{accept}note={whisper}{twiml.TRY_AGAIN}",
            action_url=self.after_url(note) + twiml.TRY_AGAIN,
            ring=self._ring,
            caller_id=self._caller_id or caller_id,
        )

    @property
    def accepted_url(self) -> str:
        """Where Twilio asks when a person has pressed a key."""
        return f"{self._base_url}/accepted{twiml.TRY_AGAIN}"

    def after_url(self, note: Note) -> str:
        """Where Twilio asks what comes after the person."""
        return f"{self._base_url}/dial-ended?note={self._notes.seal(note, SHORT, AFTER_THE_TALK)}"


class PutThrough:
    """One caller's way to a person.

    Args:
        switchboard: What all calls share.
        call_sid: The caller's call.
        began_at: Unix seconds at which it began: the time limit goes on if the caller comes back.
    """

    takes_over = True

    def __init__(
        self, switchboard: Switchboard, call_sid: str, began_at: float = 0.0, caller_id: str | None = None
    ) -> None:
        self._switchboard = switchboard
        self._call_sid = call_sid
        self._began_at = began_at
        self._caller_id = caller_id

    @property
    def names(self) -> tuple[str, ...]:
        """Who can be called."""
        return self._switchboard.names

    async def bring(self, destination: str, summary: str) -> None:
        """Put the caller through.

        Raises:
            UpstreamError: Twilio could not be told; the call goes on as it was.
        """
        note = Note(self._call_sid, destination, summary, self._began_at)
        await self._switchboard.connect(note, self._caller_id)
