"""All calls of the stand-in, and the faults that tests inject."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from standins.twilio.announcement_audio import Speak
from standins.twilio.call_audio import Hear
from standins.twilio.called_person import ActedPerson, CalledPerson
from standins.twilio.live import DialledCall, Outgoing
from standins.twilio.number_registry import NumberRegistry
from standins.twilio.party import Party
from standins.twilio.placing import WantedCall
from standins.twilio.settings import DialScript, ExchangeSettings
from standins.twilio.timeline import Event
from standins.twilio.twiml_program import TwimlProgram, new_sid
from standins.twilio.webhook_client import Webhooks

BANNER: Final = (
    "Twilio stand-in: executes TwiML, signs webhooks, carries media streams. It has no phone network: "
    "phones are programs, callees are simulated, carriers' delay and loss are not simulated."
)
_KEPT_CALLS: Final = 1000
"""Number of ended calls that the REST API still returns."""
_STOP_SECONDS: Final = 5.0
_FIRST_ERROR: Final = 400
"""The lowest HTTP status of an error."""
_LOGGED: Final = frozenset(
    {"ring", "answered", "stream_started", "stream_closed", "error", "warning", "redirected", "dial", "ended"}
)
_LOGGED_FIELDS: Final = frozenset({"code", "reason", "status", "seconds", "stream_sid", "result"})

type Log = Callable[[dict[str, object]], None]


@dataclass
class RestFault:
    """The REST API's behaviour for the next `times` requests: it waits, then fails or succeeds.

    Twilio needs about 0.2 to 0.3 s for a successful request: use a status below 400 and that many `hang_seconds`.
    """

    status: int = 500
    times: int = 1
    hang_seconds: float = 0.0

    @property
    def fails(self) -> bool:
        """Whether the request fails after the delay."""
        return self.status >= _FIRST_ERROR


class CallServer:
    """State of the stand-in, without its port."""

    def __init__(
        self, settings: ExchangeSettings | None = None, *, speak: Speak | None = None, log: Log = lambda _line: None
    ) -> None:
        self.settings = settings or ExchangeSettings()
        self.calls: dict[str, DialledCall] = {}
        """Every call by its SID, oldest first."""
        self.numbers = NumberRegistry(self.settings.numbers)
        self.waiting: dict[str, CalledPerson] = {}
        """Simulated phones that wait for a call, by their number."""
        self.rest_faults: deque[RestFault] = deque()
        self.rest_requests = 0
        """Number of REST requests, not counting those that only read calls."""
        self.elsewhere = False
        """Whether the REST API is that of another region, in which these calls are unknown."""
        self._speak = speak
        # One client for all calls, so that connections are reused as at Twilio.
        self._log = log
        self._webhooks = Webhooks(self.settings.signer, self.settings.webhook_seconds)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def webhooks(self) -> Webhooks:
        """Signs and sends webhooks; tests use it to forge, repeat or replay them."""
        return self._webhooks

    async def stop(self) -> None:
        """Hang up every call."""
        # Cancel all first, then wait once: calls end in parallel.
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
        await self._webhooks.aclose()

    def place_call(  # noqa: PLR0913 - independent facts of a call
        self,
        voice_url: str,
        *,
        caller: str = "+15005550006",
        callee: str = "+15005550001",
        call_sid: str = "",
        fallback_url: str = "",
        dial: DialScript | None = None,
        hear: Hear = lambda _number, _frame: None,
    ) -> DialledCall:
        """Call the number whose webhook is `voice_url`; the call then runs in the background."""
        party = Party(call_sid or new_sid("CA"), self.settings.account_sid, caller, callee)
        program = TwimlProgram(voice_url, fallback_url or self.settings.fallback_url)
        return self._start(party, program, dial or self.settings.dial, hear)

    def call_person(self, wanted: WantedCall) -> DialledCall:
        """Place the call that a REST request wants: to the phone that waits for it, else to a person who is acted out.

        The phone rings once; a second call to its number reaches a person who is acted out.
        """
        party = Party(new_sid("CA"), self.settings.account_sid, wanted.caller, wanted.callee, "outbound-api")
        program = TwimlProgram(wanted.url, wanted.fallback_url, wanted.method)
        person = self.waiting.pop(wanted.callee, None) or ActedPerson(self.settings.dial)
        outgoing = Outgoing(person, wanted.ring_seconds, wanted.time_limit)
        return self._start(party, program, self.settings.dial, person.hear, outgoing)

    def _start(
        self, party: Party, program: TwimlProgram, dial: DialScript, hear: Hear, outgoing: Outgoing | None = None
    ) -> DialledCall:
        call = DialledCall(party, program, self.settings, self._webhooks, speak=self._speak, hear=hear, dial=dial)
        call.outgoing = outgoing
        if outgoing is not None:
            outgoing.person.attach(call)
        # The log has no numbers and no texts; the timeline has both.
        call.timeline.subscribe(lambda event: self._note(call.sid, event))
        self.calls[call.sid] = call
        self._forget()
        task = asyncio.create_task(call.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return call

    async def replay(self, call_sid: str, *, copies: int = 1) -> list[httpx.Response]:
        """Send the first webhook of a call again, byte for byte, all copies concurrently."""
        call = self.calls[call_sid]
        params = call.party.params("ringing")
        asked = call.timeline.named("webhook")[0].fields
        # Build all requests first, so that the copies really start together.
        request = [self._webhooks.request(str(asked["url"]), str(asked["method"]), params, {}) for _ in range(copies)]
        return list(await asyncio.gather(*(self._webhooks.send(each) for each in request)))

    def take_fault(self) -> RestFault | None:
        """Return the fault for the next REST request, and count it."""
        self.rest_requests += 1
        if not self.rest_faults:
            return None
        fault = self.rest_faults[0]
        # Counted down when it is used, so that "times" means requests, not seconds.
        fault.times -= 1
        if fault.times <= 0:
            self.rest_faults.popleft()
        return fault

    def _note(self, call_sid: str, event: Event) -> None:
        """Log an event for operators, without phone numbers and transcripts."""
        if event.name in _LOGGED:
            fields = {name: value for name, value in event.fields.items() if name in _LOGGED_FIELDS}
            self._log({"event": f"call_{event.name}", "call_sid": call_sid, "at": round(event.at, 3), **fields})

    def _forget(self) -> None:
        # Only ended calls are removed, so a live one is always found.
        ended = [sid for sid, call in self.calls.items() if call.ended_at is not None]
        for sid in ended[: max(0, len(self.calls) - _KEPT_CALLS)]:
            del self.calls[sid]
