"""The exchange on its port."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final, Self

import uvicorn

from standins.twilio.exchange import Exchange
from standins.twilio.routes import create_app

_STOP_SECONDS: Final = 5.0


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program this server is part of."""
        yield


class TwilioExchange(Exchange):
    """A running exchange; use it as an asynchronous context."""

    port = 0
    """The port it is bound to, once it runs."""
    _server: _Server | None = None
    _serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where the REST interface answers and handsets connect."""
        return f"http://{self.settings.host}:{self.port}"

    async def __aenter__(self) -> Self:
        """Bind the port and start to serve.

        Raises:
            OSError: the port is taken.
        """
        listener = socket.create_server((self.settings.host, self.settings.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            create_app(self),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        await self.webhooks.warm_up(f"{self.url}/health")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up every call and close the port."""
        await self.stop()
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await asyncio.wait({self._serving}, timeout=_STOP_SECONDS)
