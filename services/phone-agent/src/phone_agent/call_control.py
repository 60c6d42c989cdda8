"""What we tell Twilio about a live call, beside its media stream."""

from http import HTTPStatus

import httpx

from agent_core.errors import UpstreamError

_SECONDS = 2.0
"""One try; two of them fit into the five seconds in which a call is cleared up."""
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
        try:
            answer = await self._client.post(self._path(call_sid), data={"Twiml": document}, timeout=_REDIRECT_SECONDS)
        except httpx.HTTPError as error:
            raise UpstreamError("twilio", type(error).__name__) from error
        if not answer.is_success:
            raise UpstreamError("twilio", f"status {answer.status_code}")

    async def hang_up(self, call_sid: str) -> None:
        """End a call, so that the verbs behind its stream do not run. A call that is over already is fine.

        Raises:
            UpstreamError: Twilio could not be told.
        """
        path = self._path(call_sid)
        for tries_left in reversed(range(_TRIES)):
            try:
                answer = await self._client.post(path, data={"Status": "completed"}, timeout=_SECONDS)
            except httpx.HTTPError as error:
                problem = type(error).__name__
            else:
                if answer.is_success or answer.status_code in _ALREADY_OVER or _code(answer) == _NOT_IN_PROGRESS:
                    return
                problem = f"status {answer.status_code}"
                if answer.is_client_error:
                    tries_left = 0  # noqa: PLW2901 - the same request would be refused again
            if not tries_left:
                raise UpstreamError("twilio", problem)

    def _path(self, call_sid: str) -> str:
        return f"/2010-04-01/Accounts/{self._account_sid}/Calls/{call_sid}.json"


def _code(answer: httpx.Response) -> int | None:
    try:
        body = answer.json()
    except ValueError:
        return None
    return body.get("code") if isinstance(body, dict) else None
