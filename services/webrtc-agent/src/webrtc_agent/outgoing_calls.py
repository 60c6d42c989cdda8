"""Place a call through Twilio's REST API."""

import asyncio
import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import httpx

from agent_core.sentence import Sentence
from webrtc_agent.errors import CallNotPlaced, NumberRefused

_SECONDS: Final = 5.0
"""Deadline of the request: Twilio takes about a fifth of a second, and a visitor waits."""
RING: Final = timedelta(seconds=25)
"""How long the phone rings: most voicemails answer after 20 to 30 s."""
_MAX_ANSWER_BYTES: Final = 64 * 1024
_UNREACHABLE: Final = frozenset({13223, 13224, 13225, 13226, 13227, 21211, 21214, 21215, 21216, 21217, 21219})
"""Twilio's error codes for a number that it does not call, or not for this account (twilio.com/docs/api/errors)."""


class OutgoingCalls:
    """Places calls in one account.

    Args:
        client: Its base URL is Twilio's API and it carries the credentials.
        account_sid: The account.
        caller: Number of the account that the called person sees.
        time_limit: Longest call.
    """

    def __init__(self, client: httpx.AsyncClient, account_sid: str, caller: str, time_limit: timedelta) -> None:
        self._client = client
        self._path = f"/2010-04-01/Accounts/{account_sid}/Calls.json"
        self._caller = caller
        self._time_limit = time_limit

    async def place(self, number: str, url: str) -> str:
        """Call a number; return the call's sid before it rings.

        Sent only once: a request whose response was lost may have succeeded, and the phone would ring twice.

        Args:
            number: To call.
            url: Requested when the call is answered.

        Raises:
            NumberRefused: Twilio does not call this number.
            CallNotPlaced: Twilio could not be reached, or refused for another reason.
        """
        answer = await self._post(
            {
                "To": number,
                "From": self._caller,
                "Url": url,
                "Method": "POST",
                "Timeout": str(round(RING.total_seconds())),
                "TimeLimit": str(round(self._time_limit.total_seconds())),
            }
        )
        body = _json(answer)
        code = body.get("code")
        if answer.status_code == HTTPStatus.BAD_REQUEST and code in _UNREACHABLE:
            raise NumberRefused(f"twilio {code}", Sentence.NUMBER_CHECK)
        call_sid = body.get("sid")
        if not answer.is_success or not isinstance(call_sid, str) or not re.fullmatch("CA[0-9a-f]{32}", call_sid):
            known = f", code {code}" if type(code) is int else ""
            raise CallNotPlaced("twilio", f"status {answer.status_code}{known}")
        return call_sid

    async def _post(self, form: dict[str, str]) -> httpx.Response:
        try:
            async with asyncio.timeout(_SECONDS):
                # One deadline for the whole request: httpx's own timeouts restart with every byte.
                return await self._client.post(self._path, data=form, timeout=None)
        except TimeoutError as error:
            raise self._unreached("timeout") from error
        except httpx.HTTPError as error:
            raise self._unreached(type(error).__name__) from error

    def _unreached(self, reason: str) -> CallNotPlaced:
        error = CallNotPlaced("twilio", reason)
        error.host = self._client.base_url.host
        return error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json() if len(answer.content) <= _MAX_ANSWER_BYTES else None
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
