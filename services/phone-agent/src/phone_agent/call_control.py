"""What we tell Twilio about a live call, beside its media stream."""

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
"""One try, from the first byte to the last; two of them fit into the five seconds in which a call is cleared up."""
_REDIRECT_SECONDS = 3.0
"""A caller who was told to wait hears nothing meanwhile; Twilio takes about a fifth of a second."""
_CHECK_SECONDS = 5.0
_NOT_IN_PROGRESS = 21220
"""Twilio's code for a call that is over already."""
_RESTRICTED = 70051
"""Twilio's code for an API key that may do other things; updates of calls may be among them."""
_ADVICE: Final = {
    HTTPStatus.UNAUTHORIZED: "check TWILIO_API_SID and TWILIO_API_SECRET (or TWILIO_AUTH_TOKEN); a key belongs to one "
    "account and one region, see TWILIO_REGION",
    HTTPStatus.FORBIDDEN: "the API key may not change calls: use a standard key",
    HTTPStatus.NOT_FOUND: "no such call there: the calls are in another region or account, set TWILIO_REGION and a key "
    "of that region",
}


class RestRefused(UpstreamError):
    """Twilio answered, but did not do it.

    Args:
        status: HTTP status of the answer.
        code: Twilio's error code, where the answer has one.
    """

    def __init__(self, status: int, code: int | None = None) -> None:
        self.status = status
        self.code = code
        known = f", code {code}" if code else ""
        advice = f": {_ADVICE[HTTPStatus(status)]}" if status in _ADVICE else ""
        super().__init__("twilio", f"status {status}{known}{advice}")

    @property
    def is_misconfiguration(self) -> bool:
        """Whether every further request is refused as well until a setting changes."""
        return self.status in _ADVICE


class CallControl:
    """Twilio's REST interface for calls, as far as we need it.

    Args:
        client: Pooled; its base URL is Twilio's API and it carries the credentials.
        account_sid: Account that owns the calls.

    Attributes:
        works: Whether the last request about a call was carried out; None before the first.
    """

    def __init__(self, client: httpx.AsyncClient, account_sid: str) -> None:
        self._client = client
        self._path = f"/2010-04-01/Accounts/{account_sid}/Calls"
        self.works: bool | None = None
        self._looking = False

    async def check(self) -> None:
        """Say in the log whether the credentials are good for this region. Bounded, never raises.

        It lists one call: a standard API key, which is the kind to use, may not read the account itself.
        """
        host = self._client.base_url.host
        try:
            answer = await self._ask("GET", f"{self._path}.json?PageSize=1", _CHECK_SECONDS)
        except UpstreamError as error:
            log.warning("twilio_not_checked", host=host, error=error.reason, **causes.fields(error))
            return
        refusal = _refusal(answer)
        if refusal is None or refusal.code == _RESTRICTED:
            log.info("twilio_checked", host=host)
        elif refusal.is_misconfiguration:
            self.works = False
            log.error("twilio_refuses_us", host=host, error=refusal.reason, **causes.fields(refusal))
        else:
            log.warning("twilio_not_checked", host=host, error=refusal.reason, **causes.fields(refusal))

    async def look(self, call_sid: str) -> None:
        """Find out whether a call that has a stream here is known there, until one was. Bounded, never raises.

        In the wrong region every credential may be right and every call is unknown; here that shows before the
        first hang-up fails. One look at a time: a hundred calls at once need no hundred requests.
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
        """Have a live call do what a document says, at once.

        Asked once only: what seems lost may have been done, and the caller would be put through twice.

        Raises:
            UpstreamError: Twilio could not be told, or the call is over.
        """
        with self._judged():
            answer = await self._ask("POST", self._of(call_sid), _REDIRECT_SECONDS, {"Twiml": document})
            if (refusal := _refusal(answer)) is not None:
                raise refusal

    async def hang_up(self, call_sid: str) -> None:
        """End a call, so that the verbs behind its stream do not run. A call that is over already is fine.

        Raises:
            RestRefused: Twilio refuses; a call that it does not know has the status 404.
            UpstreamError: Twilio could not be told.
        """
        with self._judged():
            await _twice(lambda: self._end(call_sid))

    async def _end(self, call_sid: str) -> None:
        refusal = _refusal(await self._ask("POST", self._of(call_sid), _SECONDS, {"Status": "completed"}))
        if refusal is not None and refusal.code != _NOT_IN_PROGRESS:
            raise refusal

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """Remember whether a request about a call was carried out. A call that is over was at least known."""
        try:
            yield
        except UpstreamError as error:
            self.works = isinstance(error, RestRefused) and error.code == _NOT_IN_PROGRESS
            raise
        self.works = True

    def _of(self, call_sid: str) -> str:
        return f"{self._path}/{call_sid}.json"

    async def _ask(self, method: str, path: str, seconds: float, form: dict[str, str] | None = None) -> httpx.Response:
        """Make one request, whatever the answer is.

        Raises:
            UpstreamError: There is no answer in time.
        """
        try:
            async with asyncio.timeout(seconds):
                # The deadline is for the whole: httpx's own ones start anew with every byte.
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
    """Return whether to send a request again: one that is refused for what it asks would be refused again."""
    if isinstance(error, RestRefused):
        return not httpx.codes.is_client_error(error.status)
    return isinstance(error, UpstreamError)


_twice: Final = AsyncRetryingCaller(attempts=2, timeout=None, wait_initial=0, wait_max=0, wait_jitter=0).on(_may_pass)
"""Without a pause: the caller hears nothing meanwhile."""


def _refusal(answer: httpx.Response) -> RestRefused | None:
    """Read an answer; None when Twilio did what was asked."""
    if answer.is_success:
        return None
    try:
        body = answer.json()
    except ValueError:
        body = None
    code = body.get("code") if isinstance(body, dict) else None
    return RestRefused(answer.status_code, code if type(code) is int else None)
