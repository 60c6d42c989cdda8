"""List which generation of Nova Sonic a region offers, and how the generations differ. No I/O.

Sources: AWS's announcement of Nova 2.5 Sonic of 2026-10-05 (regions, and the same price as Nova 2 Sonic); AWS's page
"Model support by AWS Region" of 2026-02-15 (the two earlier ones). Read on 2026-11-29; a region added later works with
an explicit model id.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent_core.errors import ConfigurationError

NEWEST: Final = "newest"
"""Instead of a model id: the newest generation that the region offers."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of the model.

    Args:
        model_id: Bedrock's id.
        regions: Where it is offered.
        idle_seconds: How long the model waits for audio or interactive text before it ends a stream.
        takes_nudges: Whether AWS's guide says that interactive text makes it speak while it waits for a tool.
    """

    model_id: str
    regions: tuple[str, ...]
    idle_seconds: float
    takes_nudges: bool = False


_OF_NOVA_2: Final = ("us-east-1", "us-west-2", "eu-north-1", "ap-northeast-1")
GENERATIONS: Final = (
    Generation("amazon.nova-2-5-sonic", _OF_NOVA_2, 55.0, takes_nudges=True),
    Generation("amazon.nova-2-sonic-v1:0", _OF_NOVA_2, 295.0),
    # Its end of life was 2026-09-14.
    Generation("amazon.nova-sonic-v1:0", ("us-east-1", "eu-north-1", "ap-northeast-1"), 55.0),
)
"""Newest first."""


def model_for(wanted: str, region: str) -> str:
    """Return the model id to use in a region.

    Args:
        wanted: A model id, which is returned unchanged, or ``newest``.
        region: The region of the model.

    Raises:
        ConfigurationError: no generation is offered there; the reason names the regions that have one.
    """
    if wanted != NEWEST:
        return wanted
    for generation in GENERATIONS:
        if region in generation.regions:
            return generation.model_id
    raise ConfigurationError(
        f"no Nova Sonic in {region}: set NOVA_SONIC_REGION to one of {', '.join(regions(GENERATIONS))}, "
        "or NOVA_SONIC_MODEL_ID to a model that the region has"
    )


def takes_nudges(model_id: str) -> bool:
    """Return whether a model can be prompted in writing to speak while it waits for a tool."""
    return any(one.takes_nudges for one in GENERATIONS if one.model_id == model_id)


def regions(generations: Iterable[Generation]) -> list[str]:
    """Return the regions that offer any of these, each once, in the order of the table."""
    return list(dict.fromkeys(region for one in generations for region in one.regions))
