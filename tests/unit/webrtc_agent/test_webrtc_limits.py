"""How often sessions may be started."""

import pytest

from tests.support.clock import Clock
from webrtc_agent.limits import StartLimit, TooOften, network_of


def refused(limit: StartLimit, address: str) -> int | None:
    """Count a start; give when to come back if it was refused."""
    try:
        limit.count(address)
    except TooOften as error:
        return error.retry_after
    return None


def test_one_address_has_its_limit() -> None:
    """Others are not touched by it."""
    limit = StartLimit(2, 100, Clock())
    assert [refused(limit, "192.0.2.1") for _ in range(3)] == [None, None, 60]
    assert refused(limit, "192.0.2.2") is None


def test_all_together_have_theirs() -> None:
    """Many addresses do not help."""
    limit = StartLimit(2, 3, Clock())
    assert [refused(limit, f"192.0.2.{n}") is None for n in range(5)] == [True, True, True, False, False]


def test_the_time_to_come_back_is_true() -> None:
    """Whoever waits as long as they were told gets in, and not before."""
    clock = Clock()
    limit = StartLimit(2, 100, clock)
    limit.count("192.0.2.1")
    clock.now += 20.5
    limit.count("192.0.2.1")
    clock.now += 10
    assert refused(limit, "192.0.2.1") == 30
    clock.now += 29.4
    assert refused(limit, "192.0.2.1") == 1
    clock.now += 0.2
    assert refused(limit, "192.0.2.1") is None


def test_refused_starts_do_not_count() -> None:
    """A flood keeps nobody out for longer than a minute."""
    clock = Clock()
    limit = StartLimit(1, 100, clock)
    limit.count("192.0.2.1")
    for _ in range(59):
        clock.now += 1
        assert refused(limit, "192.0.2.1") is not None
    clock.now += 1
    assert refused(limit, "192.0.2.1") is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_ipv6_customer_is_one(address: str, network: str) -> None:
    """They own at least a /64, and could take another address for each start."""
    assert network_of(address) == network
