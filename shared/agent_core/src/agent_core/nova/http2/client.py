"""Open streams to Bedrock over our own HTTP/2, as a ``ModelClient``."""

import ssl
from typing import Final
from urllib.parse import urlsplit

from agent_core.errors import ModelUnavailable
from agent_core.nova.credentials import CredentialSource
from agent_core.nova.http2.health import TransportHealth
from agent_core.nova.http2.link import ALPN, Http2Link
from agent_core.nova.http2.model_stream import Http2ModelStream
from agent_core.nova.http2.signing import sign_request

_HTTPS: Final = 443


class Http2ModelClient:
    """Opens streams to Bedrock, each on a connection of its own.

    Args:
        region: Region that signs the requests.
        endpoint: Base URL, https only.
        credentials: Source of the keys; queried for each stream, whose events they all sign.
        health: Notified of the first event, and of failures; by default a new one.
    """

    def __init__(
        self, *, region: str, endpoint: str, credentials: CredentialSource, health: TransportHealth | None = None
    ) -> None:
        parts = urlsplit(endpoint)
        self._region = region
        self._host = parts.hostname or ""
        self._port = parts.port or _HTTPS
        named = f"[{self._host}]" if ":" in self._host else self._host
        self._authority = named if self._port == _HTTPS else f"{named}:{self._port}"
        self._credentials = credentials
        self.health = health or TransportHealth()
        # Once for all streams: it reads 150 certificates. Like the SDK's it honours SSL_CERT_FILE and SSL_CERT_DIR.
        self.trust = ssl.create_default_context()
        self.trust.minimum_version = ssl.TLSVersion.TLSv1_2
        self.trust.set_alpn_protocols([ALPN])

    async def open(self, model_id: str) -> Http2ModelStream:
        """Open a stream, see ``ModelClient``; it is connected, and its request is sent."""
        keys = await self._credentials.frozen()
        headers, signer = sign_request(authority=self._authority, model_id=model_id, keys=keys, region=self._region)
        stream = Http2ModelStream(signer, self._host, self.health)
        link = Http2Link(headers, stream)
        stream.attach(link)
        try:
            await link.connect(self._host, self._port, self.trust)
        except OSError as error:
            unreachable = ModelUnavailable("NoResponse", f"no connection: {type(error).__name__}")
            unreachable.host = self._host
            unreachable.__cause__ = error
            self.health.failed(unreachable)
            raise unreachable from error
        # Without HTTP/2 there is no stream; nothing else can have failed so early.
        stream.check_open()
        return stream
