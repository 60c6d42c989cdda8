"""Let the model use one request to an HTTP service; ``- http:`` in ``tools:`` of an agent's file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import httpx
import orjson

from agent_core.errors import UpstreamError
from agent_core.tools import untrusted
from agent_core.tools.circuit_breaker import CircuitBreaker
from agent_core.tools.declared_tool import Request
from agent_core.tools.http_transport import CheckedTransport, bounded
from agent_core.tools.outbound import Outbound
from agent_core.tools.registry import ToolFailure

SERVICE: Final = "http_tool"
"""Name in errors and logs."""
PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""An argument in the path of a URL."""
_MAX_REDIRECTS: Final = 3
_REFUSED: Final = "Say in one short sentence that the service did not accept this, and ask the caller to check it."
_OUR_FAULT: Final = frozenset({401, 403, 408, 425, 429})
"""Statuses below 500 that say nothing about what the caller wants: credentials, time and rate limits."""


@dataclass(frozen=True, slots=True)
class HttpEndpoint:
    """Where and how the request is sent.

    Attributes:
        method: GET, POST, PUT, PATCH or DELETE.
        url: With ``{name}`` of arguments in its path.
        headers: With secrets filled in.
        failure: The error word for the model.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    failure: str = "tool_failed"


class HttpTool:
    """Sends the requests of one declared tool.

    Args:
        endpoint: Where to.
        outbound: Which addresses are allowed.
        breaker: Of this service.
        transport: Replaces real connections, in tests.
    """

    def __init__(
        self,
        endpoint: HttpEndpoint,
        outbound: Outbound,
        breaker: CircuitBreaker,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._breaker = breaker
        self._host = httpx.URL(endpoint.url.partition("{")[0]).host
        self._transport = CheckedTransport(outbound, transport)

    async def send(self, request: Request) -> dict[str, Any]:
        """Send one request, and return the result for the model.

        Raises:
            ToolFailure: the service did not accept this request.
            UpstreamError: the service failed.
        """
        with self._breaker.attempt():
            answer = await self._exchange(request)
        # Outside: a service that refuses a request works.
        if answer.is_refusal:
            # The reason may help, such as which value is wrong; it is data like any other answer.
            raise ToolFailure(self._endpoint.failure, _REFUSED, data=untrusted.bounded(answer.value))
        return untrusted.result(answer.value)

    async def _exchange(self, request: Request) -> "_Answer":
        url, rest = _filled(self._endpoint.url, request.values)
        sending = self._request(url, rest, request)
        try:
            for _ in range(_MAX_REDIRECTS + 1):
                response = await self._transport.handle_async_request(sending)
                try:
                    location = self._redirect(sending, response)
                    if location is None:
                        return await self._answer(response)
                finally:
                    await response.aclose()
                sending = self._request(location, {}, request)
        except httpx.HTTPError as error:
            raise self._at(UpstreamError(SERVICE, type(error).__name__)) from error
        except UpstreamError as error:
            raise self._at(error) from error.__cause__
        raise self._at(UpstreamError(SERVICE, "too_many_redirects"))

    def _request(self, url: str, rest: Mapping[str, Any], request: Request) -> httpx.Request:
        method = self._endpoint.method
        has_body = method not in ("GET", "DELETE")
        headers = {"accept": "application/json", "accept-encoding": "identity", **self._endpoint.headers}
        if has_body:
            headers["content-type"] = "application/json"
        # A GET repeats without harm, and some servers refuse headers that they do not know.
        if method != "GET":
            headers["idempotency-key"] = request.key
        whole = httpx.URL(url)
        if rest and not has_body:
            whole = whole.copy_merge_params(_query(rest))
        body = orjson.dumps(rest) if has_body else None
        extensions = {"timeout": httpx.Timeout(request.seconds).as_dict()}
        return httpx.Request(method, whole, headers=headers, content=body, extensions=extensions)

    def _at[E: UpstreamError](self, error: E) -> E:
        """Name the host in an error, for the log; never the rest of the URL, which may contain a value."""
        error.host = error.host or self._host
        return error

    def _redirect(self, sent: httpx.Request, response: httpx.Response) -> str | None:
        """Return where a GET continues: the same server only, so that headers with secrets go nowhere else."""
        if not response.has_redirect_location:
            return None
        before = sent.url
        try:
            url = before.join(response.headers.get("location", ""))
        except httpx.InvalidURL:
            raise self._failed("redirected") from None
        same = (url.scheme, url.host, url.port) == (before.scheme, before.host, before.port)
        if self._endpoint.method != "GET" or not same or url.userinfo:
            raise self._failed("redirected")
        return str(url)

    async def _answer(self, response: httpx.Response) -> "_Answer":
        status = response.status_code
        # A wrong credential is no caller's mistake.
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status in _OUR_FAULT or status < httpx.codes.OK:
            raise self._failed(f"http_{status}")
        if "content-encoding" in response.headers:  # not requested: a small response could be huge when unpacked
            raise self._failed("compressed")
        body = await bounded(response.aiter_raw())
        if body is None:
            raise self._failed("too_large")
        return _Answer(self._read(response, body), is_refusal=status >= httpx.codes.MULTIPLE_CHOICES)

    def _read(self, response: httpx.Response, body: bytes) -> object:
        if not body:
            return {"http_status": response.status_code}
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            try:
                return orjson.loads(body)
            except ValueError:
                raise self._failed("not_json") from None
        if kind == "text/plain":
            return body.decode(errors="replace")
        raise self._failed("not_json")

    def _failed(self, reason: str) -> UpstreamError:
        return UpstreamError(SERVICE, reason)


@dataclass(frozen=True, slots=True)
class _Answer:
    value: object
    is_refusal: bool


def _filled(url: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the URL with arguments in its path, and the other arguments."""
    rest = dict(values)

    def one(found: re.Match[str]) -> str:
        text = str(rest.pop(found[1], ""))
        # "." and ".." would change the path although they have no character to encode.
        return quote(text, safe="") if text.strip(".") else "-"

    return PLACEHOLDER.sub(one, url), rest


def _query(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else orjson.dumps(value).decode() for key, value in values.items()}
