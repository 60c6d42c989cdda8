"""Get one JSON document from a fixed address, within bounds of time and size, and without trust."""

import asyncio
import random
from collections.abc import Mapping

import httpx

from agent_core.errors import UpstreamError

SERVICE = "open_meteo"
"""Name in errors, logs and metrics."""

TIMEOUT = 3.0
"""Seconds for one request in total, connecting included. The live service answers within a few hundred ms."""

MAX_BYTES = 64 * 1024
"""Sixteen days by the hour are 20 KB."""

_PAUSE = (0.05, 0.25)
"""Seconds before the only retry, drawn at random so that many calls do not knock at the same moment."""

_TOO_MANY_REQUESTS = 429


class _Passing(UpstreamError):
    """A failure that one more try may cure."""


async def fetch(client: httpx.AsyncClient, url: str, query: Mapping[str, str]) -> bytes:
    """Get the body of a 200 answer that says it is JSON; connection errors, 429 and 5xx are tried once more.

    Raises:
        UpstreamError: Anything else. A time-out is not tried again: the caller has waited long enough.
    """
    try:
        return await _once(client, url, query)
    except _Passing as error:
        if error.retry_after is not None and error.retry_after > _PAUSE[1]:
            raise
    await asyncio.sleep(random.uniform(*_PAUSE))  # noqa: S311 - spreads load, hides nothing
    return await _once(client, url, query)


async def _once(client: httpx.AsyncClient, url: str, query: Mapping[str, str]) -> bytes:
    try:
        async with asyncio.timeout(TIMEOUT), client.stream("GET", url, params=query) as response:
            _check(response)
            return await _body(response)
    except TimeoutError as error:
        reason = "timeout"
        raise UpstreamError(SERVICE, reason) from error
    except httpx.TransportError as error:
        raise _Passing(SERVICE, type(error).__name__) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UpstreamError(SERVICE, type(error).__name__) from error


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status == _TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise _Passing(SERVICE, f"http_{status}", retry_after=_seconds(response.headers.get("retry-after", "")))
    if status != httpx.codes.OK:  # a redirect too: nobody but the operator says where we send requests
        raise UpstreamError(SERVICE, f"http_{status}")
    if response.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        reason = "not_json"
        raise UpstreamError(SERVICE, reason)
    if "content-encoding" in response.headers:  # we ask for none: what is small on the wire could be huge unpacked
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


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isdecimal() else None
