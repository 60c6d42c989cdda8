"""Which regions AWS has, as far as the pinned SDK knows."""

from functools import cache

import botocore.session


@cache
def known() -> frozenset[str]:
    """List the regions of every partition in which ECS runs. Read from files of the SDK; nothing is asked."""
    session = botocore.session.Session()
    partitions = session.get_available_partitions()
    return frozenset(region for one in partitions for region in session.get_available_regions("ecs", one))
