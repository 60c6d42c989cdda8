"""Call a visitor who asks for it: check the number, count the call, and let Twilio place it.

The call is one of the phone service's: it asks the person to press 1, and writes the conversation's end record. This
service keeps nothing of it, neither the number nor the call.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Self
from urllib.parse import urlencode

import httpx
import structlog

from agent_core.adapters.call_store.key_value_store import KeyValueStore
from agent_core.adapters.call_store.process_store import ProcessStore
from agent_core.adapters.call_store.seal import derive_key
from webrtc_agent import called_number
from webrtc_agent.call_limits import CallLimits
from webrtc_agent.outgoing_calls import OutgoingCalls
from webrtc_agent.settings import CallMeSettings, WebSettings

log = structlog.get_logger()

_KEY_LABEL: Final = b"webrtc-agent call-me marks v1"
_KEY_PRESS: Final = timedelta(seconds=60)
"""Time for the first sentence and the key, before the conversation's own limit begins."""


class CallMe:
    """Calls visitors.

    Args:
        prefixes: First digits of the numbers that may be called.
        url: Of the phone service; requested when a person answers.
        limits: Counts the calls.
        calls: Places them.
    """

    def __init__(self, prefixes: Sequence[str], url: str, limits: CallLimits, calls: OutgoingCalls) -> None:
        self._prefixes = prefixes
        self._url = url
        self._limits = limits
        self._calls = calls

    @classmethod
    def of(cls, settings: WebSettings, shelf: KeyValueStore | None) -> Self | None:
        """Return what the settings describe; None if visitors are not called.

        Raises:
            ConfigurationError: a setting is missing.
        """
        given = settings.call_me
        return None if given is None else cls._made(given, settings, shelf)

    @classmethod
    def _made(cls, given: CallMeSettings, settings: WebSettings, shelf: KeyValueStore | None) -> Self:
        secret = given.api_secret.get_secret_value()
        limits = CallLimits(
            ProcessStore() if shelf is None else shelf,
            derive_key(secret.encode(), _KEY_LABEL),
            per_number=settings.call_me_per_number,
            per_day=settings.call_me_per_day,
        )
        client = httpx.AsyncClient(base_url=given.api_url, auth=(given.api_sid, secret))
        longest = timedelta(seconds=settings.max_call_seconds) + _KEY_PRESS
        calls = OutgoingCalls(client, given.account_sid, given.caller, longest)
        # Twilio signs the whole URL, so the phone service can trust the name.
        query = urlencode({"by": settings.operator_name}) if settings.operator_name else ""
        url = f"{given.phone_url}/incoming-call/called" + (f"?{query}" if query else "")
        return cls(settings.call_me_prefixes, url, limits, calls)

    async def ask(self, address: str, typed: str) -> None:
        """Call a visitor; return when Twilio has accepted the call, before it rings.

        Args:
            address: Of the visitor.
            typed: The number as they typed it.

        Raises:
            NumberRefused: it is not a number that may be called.
            TooManyCalls: a limit is reached.
            UpstreamError: the call could not be counted or placed.
        """
        number = called_number.read(typed, self._prefixes)
        await self._limits.count(address, number)
        call_sid = await self._calls.place(number, self._url)
        # The longest prefix and nothing more of the number.
        prefix = max((one for one in self._prefixes if number.startswith(one)), key=len)
        log.info("call_me_placed", call_sid=call_sid, prefix=prefix)

    async def aclose(self) -> None:
        """Release the connections to Twilio; the store belongs to its maker."""
        await self._calls.aclose()
