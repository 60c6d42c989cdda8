"""What we tell Twilio about a live call, beside its media stream."""

import asyncio
from http import HTTPStatus

import httpx

from agent_core.errors import UpstreamError

_SECONDS = 2.0
"""One try, from the first byte to the last; two of them fit into the five seconds in which a call is cleared up."""
_REDIRECT_SECONDS = 3.0
"""A caller who was told to wait hears nothing meanwhile; Twilio takes about a fifth of a second."""
_TRIES = 2
_ALREADY_OVER = {HTTPStatus.NOT_FOUND}
_NOT_IN_PROGRESS = 21220
"""Twilio's code for a call that is over already."""


class CallControl:
    """Twilio's REST interface for calls, as far as we need it.

    Args:
        client: Pooled; its base URL is Twilio's API and it carries the credentials.
        account_sid: Account that owns the calls.
    """

    def __init__(self, client: httpx.AsyncClient, account_sid: str) -> None:
        self._client = client
        self._account_sid = account_sid

    async def redirect(self, call_sid: str, document: str) -> None:
        """Have a live call do what a document says, at once.

        Asked once only: what seems lost may have been done, and the caller would be put through twice.

        Raises:
            UpstreamError: Twilio could not be told, or the call is over.
        """
        answer = await self._tell(call_sid, {"Twiml": document}, _REDIRECT_SECONDS)
        if not answer.is_success:
            raise UpstreamError("twilio", f"status {answer.status_code}")

    async def hang_up(self, call_sid: str) -> None:
        """End a call, so that the verbs behind its stream do not run. A call that is over already is fine.

        Raises:
            UpstreamError: Twilio could not be told.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                answer = await self._tell(call_sid, {"Status": "completed"}, _SECONDS)
            except UpstreamError:
                if not tries_left:
                    raise
                continue
            if answer.is_success or answer.status_code in _ALREADY_OVER or _code(answer) == _NOT_IN_PROGRESS:
                return
            if answer.is_client_error or not tries_left:  # the same request would be refused again
                raise UpstreamError("twilio", f"status {answer.status_code}")

    async def _tell(self, call_sid: str, fields: dict[str, str], seconds: float) -> httpx.Response:
        """Change a call once, whatever the answer is.

        Raises:
            UpstreamError: There is no answer in time.
        """
        path = f"/2010-04-01/Accounts/{self._account_sid}/Calls/{call_sid}.json"
        try:
            async with asyncio.timeout(seconds):
                # The deadline is for the whole: httpx's own ones start anew with every byte.
                return await self._client.post(path, data=fields, timeout=None)
        except TimeoutError:
            raise UpstreamError("twilio", "timeout") from None
        except httpx.HTTPError as error:
            raise UpstreamError("twilio", type(error).__name__) from error


def _code(answer: httpx.Response) -> int | None:
    try:
        body = answer.json()
    except ValueError:
        return None
    return body.get("code") if isinstance(body, dict) else None
