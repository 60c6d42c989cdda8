"""Get one JSON document from a configured URL, bounded in time and size, and treat it as untrusted."""

import asyncio
from collections.abc import Mapping
from typing import Final

import httpx
import orjson

from agent_core.errors import UpstreamError
from agent_core.retries import AsyncRetryingCaller

from ..weather_report import TooManyRequests

SERVICE = "open_meteo"
"""Name in errors, logs and metrics."""

TIMEOUT = 3.0
"""Seconds for one request in total, connecting included. The live service answers within a few hundred ms."""

MAX_BYTES = 64 * 1024
"""Sixteen days of hourly values are 20 KB."""

_SHORTEST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 0.25
"""Longest pause in seconds before the only retry, with jitter, so that many calls do not retry at the same moment."""

_THROTTLED: Final = "http_429"

_WINDOWS: Final = {"Minutely": 60.0, "Hourly": 3_600.0, "Daily": 86_400.0}
"""First word of the reason in a 429 of the free service, and the seconds after which it takes requests again at the
latest. Any other reason, such as too many requests at once, passes in a moment."""


class _Passing(UpstreamError):
    """A failure that one retry may cure."""


class _Throttled(_Passing):
    """A 429; if it lasts, the caller hears that the service is busy."""


async def fetch(client: httpx.AsyncClient, url: str, query: Mapping[str, str]) -> bytes:
    """Return the body of a 200 response that says it is JSON; retry connection errors, 5xx and most 429 once.

    A query of the configured URL is kept, such as the key of a proxy.

    Raises:
        TooManyRequests: the service accepts no more requests for a while.
        UpstreamError: any other failure. A timeout is not retried: the caller has waited long enough.
    """
    try:
        return await _twice(lambda: _once(client, url, query))
    except _Passing as error:
        raise _final(error) from error.__cause__


def _may_pass(error: Exception) -> bool:
    """Return whether to retry; a pause that the server requests must fit into the longest one."""
    return isinstance(error, _Passing) and (error.retry_after or 0.0) <= _LONGEST_PAUSE


_twice: Final = AsyncRetryingCaller(
    attempts=2,
    timeout=None,
    wait_initial=_SHORTEST_PAUSE,
    wait_jitter=_LONGEST_PAUSE - _SHORTEST_PAUSE,
    wait_max=_LONGEST_PAUSE,
).on(_may_pass)


async def _once(client: httpx.AsyncClient, url: str, query: Mapping[str, str]) -> bytes:
    try:
        whole = httpx.URL(url).copy_merge_params(query)  # `params` of a request would replace the URL's own query
        async with asyncio.timeout(TIMEOUT), client.stream("GET", whole) as response:
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                raise _refused_for_now(response, await _body(response))
            _check(response)
            return await _body(response)
    except TimeoutError as error:
        raise _at(url, UpstreamError(SERVICE, "timeout")) from error
    except httpx.TransportError as error:
        raise _at(url, _Passing(SERVICE, type(error).__name__)) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UpstreamError(SERVICE, type(error).__name__) from error


def _at[E: UpstreamError](url: str, error: E) -> E:
    """Name the host in an error, for the log; never the rest of the URL, which may contain a key."""
    error.host = httpx.URL(url).host
    return error


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise _Passing(SERVICE, f"http_{status}", retry_after=_seconds(response.headers.get("retry-after", "")))
    if status != httpx.codes.OK:  # a redirect too: only the operator decides where requests go
        raise UpstreamError(SERVICE, f"http_{status}")
    if response.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        reason = "not_json"
        raise UpstreamError(SERVICE, reason)
    if "content-encoding" in response.headers:  # not requested: a small response could be huge when unpacked
        reason = "compressed"
        raise UpstreamError(SERVICE, reason)


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            reason = "too_large"
            raise UpstreamError(SERVICE, reason)
    return bytes(body)


def _refused_for_now(response: httpx.Response, body: bytes) -> UpstreamError:
    """Read from a 429 how long it lasts; use only the first word of its text."""
    try:
        answer = orjson.loads(body)
        word = str(answer["reason"]).partition(" ")[0]
    except (ValueError, TypeError, KeyError):
        word = ""
    if word in _WINDOWS:
        return TooManyRequests(SERVICE, _THROTTLED, retry_after=_WINDOWS[word])
    return _Throttled(SERVICE, _THROTTLED, retry_after=_seconds(response.headers.get("retry-after", "")))


def _final(error: _Passing) -> UpstreamError:
    """Return the error for the caller; keep the lasting failure as its cause."""
    if not isinstance(error, _Throttled):
        return error
    return TooManyRequests(SERVICE, _THROTTLED, retry_after=error.retry_after or _WINDOWS["Minutely"])


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isdecimal() else None
