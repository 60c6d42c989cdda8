"""Choose what carries the model's streams: the AWS SDK, or our own HTTP/2 with the SDK as its fallback.

Each is imported only where it is used: the SDK takes longer to import than everything else of a service.
"""

from collections.abc import Callable
from functools import partial

from agent_core.errors import ModelError
from agent_core.nova.credentials import CredentialSource
from agent_core.nova.stream import ModelClient, ModelStream
from agent_core.settings import CoreSettings, NovaTransport

type ClientFactory = Callable[[], ModelClient]


def clients_of(
    settings: CoreSettings, count_fallback: Callable[[], None] = lambda: None
) -> tuple[ModelClient, ModelClient | None]:
    """Return the client of the model's region, and that of the overflow region if one is set.

    Args:
        settings: They name the transport, the regions and the endpoints.
        count_fallback: Called once if the process gives up our own HTTP/2.
    """
    credentials = CredentialSource()
    open_sdk = partial(_sdk_client, credentials=credentials)
    make: Callable[..., ModelClient] = open_sdk
    if settings.nova_transport is NovaTransport.H2:
        make = _direct_clients(credentials, count_fallback, open_sdk)
    first = make(region=settings.model_region, endpoint=settings.model_endpoint)
    overflow = settings.nova_sonic_overflow_region
    if overflow is None:
        return first, None
    return first, make(region=overflow, endpoint=settings.overflow_endpoint)


def _sdk_client(*, region: str, endpoint: str, credentials: CredentialSource) -> ModelClient:
    from agent_core.nova.sdk import SdkModelClient  # noqa: PLC0415 - a second to import, see above

    return SdkModelClient(region=region, endpoint=endpoint, credentials=credentials)


def _direct_clients(
    credentials: CredentialSource, count_fallback: Callable[[], None], open_sdk: Callable[..., ModelClient]
) -> Callable[..., ModelClient]:
    from agent_core.nova.http2.client import Http2ModelClient  # noqa: PLC0415 - not needed with the SDK
    from agent_core.nova.http2.health import TransportHealth  # noqa: PLC0415

    # All regions together: what one of them shows is a property of this process.
    health = TransportHealth(count_fallback)

    def make(*, region: str, endpoint: str) -> ModelClient:
        direct = Http2ModelClient(region=region, endpoint=endpoint, credentials=credentials, health=health)
        return FallbackClient(direct, partial(open_sdk, region=region, endpoint=endpoint), lambda: health.is_given_up)

    return make


class FallbackClient:
    """Opens streams with one client until it is given up, and then with another.

    Args:
        first: The client to use.
        make_second: Makes the other when it is needed.
        is_given_up: Whether to use the other from now on.
    """

    def __init__(self, first: ModelClient, make_second: ClientFactory, is_given_up: Callable[[], bool]) -> None:
        self._first = first
        self._make_second = make_second
        self._second: ModelClient | None = None
        self._is_given_up = is_given_up

    async def open(self, model_id: str) -> ModelStream:
        """Open a stream, see ``ModelClient``."""
        if not self._is_given_up():
            try:
                return await self._first.open(model_id)
            except ModelError:
                if not self._is_given_up():
                    raise
        # The caller whose stream showed that the first client is no use gets one of the second.
        if self._second is None:
            self._second = self._make_second()
        return await self._second.open(model_id)
