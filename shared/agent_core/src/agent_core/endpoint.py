"""Resolve the endpoint of Bedrock's runtime by botocore's rules and configuration."""

from functools import lru_cache
from typing import Any, Final

from botocore.configprovider import ConfiguredEndpointProvider
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from agent_core.errors import ConfigurationError

_SERVICE: Final = "bedrock-runtime"
_RULES: Final = "endpoint-rule-set-1"


def resolve(region: str, given: str | None = None) -> str:
    """Return the base URL of Bedrock's runtime as botocore would call it.

    The environment and the shared configuration file decide: ``AWS_USE_FIPS_ENDPOINT``, ``AWS_USE_DUALSTACK_ENDPOINT``,
    ``AWS_ENDPOINT_URL_BEDROCK_RUNTIME``, ``AWS_ENDPOINT_URL``, ``AWS_IGNORE_CONFIGURED_ENDPOINT_URLS``. No client is
    created, because that would load the description of the whole service.

    Args:
        region: The region of the model, of any partition.
        given: The endpoint URL from the settings; it takes precedence over all of these.

    Raises:
        ConfigurationError: there is no such endpoint, such as FIPS in a partition that has none.
    """
    session = Session()
    try:
        # As in botocore, an explicit URL is used unchanged: the variants apply to the region's endpoints only.
        address = given or _configured(session)
        found = _rules().resolve_endpoint(
            Region=region,
            UseFIPS=not address and bool(session.get_config_variable("use_fips_endpoint")),
            UseDualStack=not address and bool(session.get_config_variable("use_dualstack_endpoint")),
            **({"Endpoint": address} if address else {}),
        )
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"there is no Bedrock endpoint in {region}: {error}") from error
    url: str = found.url
    return url.rstrip("/")


def _configured(session: Session) -> str | None:
    """Return the endpoint URL that botocore's configuration names, if any."""
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    provider: Any = ConfiguredEndpointProvider(session.full_config, session.get_scoped_config(), _SERVICE)
    address: str | None = provider.provide()
    return address


@lru_cache(maxsize=1)
def _rules() -> EndpointProvider:
    # Cached: parsing the rules takes a while, and they never change.
    session = Session()
    loader = session.get_component("data_loader")
    return EndpointProvider(loader.load_service_model(_SERVICE, _RULES), loader.load_data("partitions"))
