"""Sends webhooks as Twilio does: signed, form-encoded, and within 15 seconds including retries."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urldefrag, urlencode, urlsplit

import httpx

from standins.twilio import overrides
from standins.twilio.overrides import Overrides
from standins.twilio.signing import Signer, webhook_url_to_sign
from standins.twilio.twiml_parser import MAX_DOCUMENT, is_loopback

_CONNECT_SECONDS: Final = 10.0
_NO_ANSWER: Final = "11205"
_FORM: Final = "application/x-www-form-urlencoded; charset=UTF-8"
_XML: Final = ("text/xml", "application/xml", "text/html", "")


@dataclass(frozen=True)
class WebhookResponse:
    """The application's response, and the time from the first byte sent to the last one received."""

    text: str
    status: int
    seconds: float


class WebhookError(Exception):
    """The application did not respond correctly."""

    def __init__(self, code: str, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.code = code
        """11200 wrong status, 11205 no connection or timeout, 12300 not XML."""
        self.seconds = seconds


class Webhooks:
    """Sends signed requests to applications."""

    def __init__(self, signer: Signer, seconds: float) -> None:
        self._signer = signer
        self._seconds = seconds
        # No proxy for this machine: HTTPS_PROXY would send local webhooks out.
        self._local = self._client(trust_env=False)
        self._remote = self._client(trust_env=True)

    def _client(self, *, trust_env: bool) -> httpx.AsyncClient:
        # The limit for the connection is part of the limit for the whole request.
        timeout = httpx.Timeout(self._seconds, connect=min(_CONNECT_SECONDS, self._seconds))
        return httpx.AsyncClient(timeout=timeout, trust_env=trust_env, headers={"User-Agent": "TwilioProxy/1.1"})

    async def aclose(self) -> None:
        """Close the connection pools."""
        await self._local.aclose()
        await self._remote.aclose()

    async def warm_up(self, url: str) -> None:
        """Send one request, so that the time of the first webhook does not include this client's start."""
        await self._local.get(url)

    async def ask(
        self, url: str, method: str, params: dict[str, str], headers: dict[str, str] | None = None
    ) -> WebhookResponse:
        """Send one request and return its TwiML.

        The URL's fragment configures timeouts and retries, see `overrides`; it is neither sent nor signed.

        Raises:
            WebhookError: No response in time, a status other than 2xx, or a body that is not XML.
        """
        address, fragment = urldefrag(url)
        how = overrides.read(fragment, self._seconds)
        began = time.monotonic()
        left = how.retries
        while True:
            # Retries share the total time.
            remaining = how.total - (time.monotonic() - began)
            try:
                async with asyncio.timeout(max(remaining, 0)):
                    response = await self._send(self.request(address, method, params, headers or {}), how)
            except TimeoutError as error:
                reason = f"no answer within {how.total:g} s"
                raise WebhookError(_NO_ANSWER, reason, time.monotonic() - began) from error
            # httpx reports timeouts of single phases as errors of its own.
            except httpx.HTTPError as error:
                if not left or not how.tries_again(error):
                    reason = f"{type(error).__name__}: {error}".rstrip(": ")
                    raise WebhookError(_NO_ANSWER, reason, time.monotonic() - began) from error
            else:
                if response.is_success or not left or not how.tries_again(response.status_code):
                    return _checked(response, time.monotonic() - began)
            left -= 1

    async def _send(self, request: httpx.Request, how: Overrides) -> httpx.Response:
        request.extensions["timeout"] = httpx.Timeout(how.read, connect=how.connect).as_dict()
        # Only this machine's addresses bypass the proxy.
        client = self._local if is_loopback(request.url.host) else self._remote
        return await client.send(request)

    def request(self, address: str, method: str, params: dict[str, str], headers: dict[str, str]) -> httpx.Request:
        """Return the signed request; a test can change it before it is sent."""
        if method == "GET":
            joined = f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(params)}"
            # With GET the parameters are part of the signed URL.
            signed = self._signer.headers(webhook_url_to_sign(joined))
            return self._local.build_request("GET", joined, headers={**signed, **headers})
        signed = self._signer.headers(webhook_url_to_sign(address), params.items())
        all_headers = {"Content-Type": _FORM, **signed, **headers}
        return self._local.build_request("POST", address, content=urlencode(params), headers=all_headers)

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request unchanged, forged or not."""
        return await self._local.send(request)


def _checked(response: httpx.Response, seconds: float) -> WebhookResponse:
    if not response.is_success:
        code, reason = "11200", f"status {response.status_code}"
        raise WebhookError(code, reason, seconds)
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    # Twilio also accepts HTML as a content type, and none.
    if kind not in _XML or len(response.content) > MAX_DOCUMENT:
        code, reason = "12300", f"content type {kind!r}"
        raise WebhookError(code, reason, seconds)
    return WebhookResponse(response.text, response.status_code, seconds)
