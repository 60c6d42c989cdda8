"""The Twilio stand-in on its port."""

import contextlib
from typing import Self

from standins.serving import serving
from standins.twilio.call_server import CallServer
from standins.twilio.routes import create_app


class TwilioExchange(CallServer):
    """A running stand-in; use it as an asynchronous context."""

    port = 0
    """The bound port, once it runs."""
    _serving = contextlib.AsyncExitStack()

    @property
    def url(self) -> str:
        """Base URL of the REST API and of simulated phones."""
        return f"http://{self.settings.host}:{self.port}"

    async def __aenter__(self) -> Self:
        """Bind the port and start to serve.

        Raises:
            OSError: The port is in use.
        """
        async with contextlib.AsyncExitStack() as stack:
            server = serving(create_app(self), host=self.settings.host, port=self.settings.port, websockets=True)
            self.port = await stack.enter_async_context(server)
            stack.push_async_callback(self.stop)
            # The first signed request would otherwise pay for loading certificates.
            await self.webhooks.warm_up(f"{self.url}/health")
            # From here on the context owns the resources; before, a failure closes them.
            self._serving = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up every call and close the port."""
        await self._serving.aclose()
