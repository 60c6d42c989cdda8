"""Control a live call through Twilio's REST API, beside its media stream."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import httpx
import structlog

from agent_core import causes
from agent_core.errors import UpstreamError
from agent_core.retries import AsyncRetryingCaller

log = structlog.get_logger()

_SECONDS = 2.0
"""Deadline of one attempt, from the first byte to the last; two fit into the five seconds of a call's tear-down."""
_REDIRECT_SECONDS = 3.0
"""The caller, who was asked to wait, hears nothing meanwhile; Twilio takes about a fifth of a second."""
_CHECK_SECONDS = 5.0
_NOT_IN_PROGRESS = 21220
"""Twilio's error code for a call that is already over."""
_RESTRICTED = 70051
"""Twilio's error code for a restricted API key; it may still be allowed to update calls."""
_ADVICE: Final = {
    HTTPStatus.UNAUTHORIZED: "check TWILIO_API_SID and TWILIO_API_SECRET (or TWILIO_AUTH_TOKEN); a key belongs to one "
    "account and one region, see TWILIO_REGION",
    HTTPStatus.FORBIDDEN: "the API key may not change calls: use a standard key",
    HTTPStatus.NOT_FOUND: "the call is unknown there: it belongs to another region or account; set TWILIO_REGION and "
    "use a key of that region",
}


class RestRefused(UpstreamError):
    """Twilio rejected a request.

    Args:
        status: HTTP status of the response.
        code: Twilio's error code, if the response has one.
    """

    def __init__(self, status: int, code: int | None = None) -> None:
        self.status = status
        self.code = code
        known = f", code {code}" if code else ""
        advice = f": {_ADVICE[HTTPStatus(status)]}" if status in _ADVICE else ""
        super().__init__("twilio", f"status {status}{known}{advice}")

    @property
    def is_misconfiguration(self) -> bool:
        """Whether every further request will fail until a setting changes."""
        return self.status in _ADVICE


class CallControl:
    """The parts of Twilio's REST API for calls that this service needs.

    Args:
        client: Pooled; its base URL is Twilio's API and it carries the credentials.
        account_sid: Account that owns the calls.

    Attributes:
        works: Whether the last request about a call succeeded; None before the first.
    """

    def __init__(self, client: httpx.AsyncClient, account_sid: str) -> None:
        self._client = client
        self._path = f"/2010-04-01/Accounts/{account_sid}/Calls"
        self.works: bool | None = None
        self._looking = False

    async def check(self) -> None:
        """Log whether the credentials are valid for this region. Bounded, never raises.

        It lists one call: a standard API key, which is the recommended kind, may not read the account itself.
        """
        host = self._client.base_url.host
        try:
            answer = await self._ask("GET", f"{self._path}.json?PageSize=1", _CHECK_SECONDS)
        except UpstreamError as error:
            log.warning("twilio_not_checked", host=host, error=error.reason, **causes.fields(error))
            return
        refusal = _refusal(answer)
        # A restricted key may be forbidden to list calls and still be allowed to change them.
        if refusal is None or refusal.code == _RESTRICTED:
            log.info("twilio_checked", host=host)
        elif refusal.is_misconfiguration:
            self.works = False
            log.error("twilio_refuses_us", host=host, error=refusal.reason, **causes.fields(refusal))
        else:
            log.warning("twilio_not_checked", host=host, error=refusal.reason, **causes.fields(refusal))

    async def look(self, call_sid: str) -> None:
        """Check that Twilio's API knows a call with a stream here, until one check succeeded. Bounded, never raises.

        In the wrong region all credentials may be valid and every call unknown; this check shows it before the first
        hang-up fails. Only one check runs at a time: a hundred concurrent calls need no hundred requests.
        """
        if self.works or self._looking:
            return
        self._looking = True
        try:
            answer = await self._ask("GET", self._of(call_sid), _SECONDS)
        except UpstreamError as error:
            log.warning("twilio_not_checked", call_sid=call_sid, error=error.reason, **causes.fields(error))
            return
        finally:
            self._looking = False
        refusal = _refusal(answer)
        if refusal is None:
            self.works = True
        elif refusal.is_misconfiguration and refusal.code != _RESTRICTED:
            self.works = False
            log.error("twilio_refuses_us", call_sid=call_sid, error=refusal.reason, **causes.fields(refusal))

    async def redirect(self, call_sid: str, document: str) -> None:
        """Replace a live call's TwiML.

        Sent only once: a request whose response was lost may have succeeded, and the caller would be transferred twice.

        Raises:
            UpstreamError: Twilio could not be reached, or the call is over.
        """
        with self._judged():
            answer = await self._ask("POST", self._of(call_sid), _REDIRECT_SECONDS, {"Twiml": document})
            if (refusal := _refusal(answer)) is not None:
                raise refusal

    async def hang_up(self, call_sid: str) -> None:
        """End a call, so that the verbs after its stream do not run. A call that is already over is not an error.

        Raises:
            RestRefused: Twilio refused; an unknown call has status 404.
            UpstreamError: Twilio could not be reached.
        """
        with self._judged():
            await _twice(lambda: self._end(call_sid))

    async def _end(self, call_sid: str) -> None:
        refusal = _refusal(await self._ask("POST", self._of(call_sid), _SECONDS, {"Status": "completed"}))
        if refusal is not None and refusal.code != _NOT_IN_PROGRESS:
            raise refusal

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """Record whether a request about a call succeeded. A call that is over was at least known."""
        try:
            yield
        except UpstreamError as error:
            self.works = isinstance(error, RestRefused) and error.code == _NOT_IN_PROGRESS
            raise
        self.works = True

    def _of(self, call_sid: str) -> str:
        return f"{self._path}/{call_sid}.json"

    async def _ask(self, method: str, path: str, seconds: float, form: dict[str, str] | None = None) -> httpx.Response:
        """Send one request and return the response, whatever its status.

        Raises:
            UpstreamError: there was no response in time.
        """
        try:
            async with asyncio.timeout(seconds):
                # One deadline for the whole request: httpx's own timeouts restart with every byte.
                return await self._client.request(method, path, data=form, timeout=None)
        except TimeoutError as error:
            raise self._unreached("timeout") from error
        except httpx.HTTPError as error:
            raise self._unreached(type(error).__name__) from error

    def _unreached(self, reason: str) -> UpstreamError:
        error = UpstreamError("twilio", reason)
        error.host = self._client.base_url.host
        return error


def _may_pass(error: Exception) -> bool:
    """Return whether to retry: a request that was refused for its content would be refused again."""
    if isinstance(error, RestRefused):
        return not httpx.codes.is_client_error(error.status)
    return isinstance(error, UpstreamError)


_twice: Final = AsyncRetryingCaller(attempts=2, timeout=None, wait_initial=0, wait_max=0, wait_jitter=0).on(_may_pass)
"""Without back-off: the caller hears nothing meanwhile. A repeated hang-up is harmless."""


def _refusal(answer: httpx.Response) -> RestRefused | None:
    """Return the refusal that a response states; None if the request succeeded."""
    if answer.is_success:
        return None
    try:
        body = answer.json()
    except ValueError:
        body = None
    code = body.get("code") if isinstance(body, dict) else None
    return RestRefused(answer.status_code, code if type(code) is int else None)
