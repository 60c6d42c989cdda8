"""Lists AWS regions, as the pinned SDK knows them."""

from functools import cache

import botocore.session


@cache
def known() -> frozenset[str]:
    """Return the ECS regions of every partition, from the SDK's files; sends no request."""
    session = botocore.session.Session()
    partitions = session.get_available_partitions()
    return frozenset(region for one in partitions for region in session.get_available_regions("ecs", one))
