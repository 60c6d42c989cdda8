"""How often a client may start sessions."""

import pytest

from tests.support.clock import Clock
from webrtc_agent.limits import StartLimit, TooOften, fair_share
from webrtc_agent.networks import network_of


def refused(limit: StartLimit, address: str) -> int | None:
    """Count a start; return the retry time if it was rejected."""
    try:
        limit.count(address)
    except TooOften as error:
        return error.retry_after
    return None


def test_one_address_has_its_limit() -> None:
    """The limit of one address does not affect others."""
    limit = StartLimit(2, 100, Clock())
    assert [refused(limit, "192.0.2.1") for _ in range(3)] == [None, None, 60]
    assert refused(limit, "192.0.2.2") is None


def test_busy_networks_are_refused_first() -> None:
    """Many starts of a few networks keep no other network out."""
    limit = StartLimit(5, 30, Clock())
    assert [refused(limit, f"198.51.{n}.7") for n in range(6) for _ in range(5)] == [None] * 30
    assert refused(limit, "192.0.2.1") is None
    assert refused(limit, "198.51.0.7") == 60
    assert [refused(limit, "192.0.2.1") is None for _ in range(4)] == [True, True, True, False]


def test_a_neighbour_of_busy_addresses_is_let_in() -> None:
    """Addresses within one wide network have limits of their own, too."""
    limit = StartLimit(5, 20, Clock())
    assert [refused(limit, f"192.0.2.{n}") for n in range(4) for _ in range(5)] == [None] * 20
    assert refused(limit, "192.0.2.99") is None
    assert refused(limit, "2001:db8::1") is None


def test_one_ipv6_customer_is_one_network() -> None:
    """A customer with a /48 has 65 536 times a /64, and the limit of one customer."""
    limit = StartLimit(5, 10, Clock())
    taken = [refused(limit, f"2001:db8:1:{n:x}::1") is None for n in range(500)]
    assert sum(taken) == 10
    assert refused(limit, "2001:db8:2::1") is None


def test_a_crowd_of_networks_is_bounded() -> None:
    """With less than one start for each network, late networks wait until the minute is over."""
    clock = Clock()
    limit = StartLimit(5, 30, clock)
    assert sum(refused(limit, f"198.51.{n}.1") is None for n in range(100)) == 30
    clock.now += 60
    assert refused(limit, "198.51.99.1") is None


@pytest.mark.parametrize(
    ("wanted", "room", "share"),
    [([], 5, 5), ([3], 5, 3), ([9], 5, 5), ([1, 9], 5, 4), ([5, 5, 5], 10, 3), ([1, 1, 1], 2, 0), ([0, 7, 7], 9, 4)],
)
def test_what_there_is_is_shared(wanted: list[int], room: int, share: int) -> None:
    """A network with few starts gets them all; the others share the rest equally."""
    assert fair_share(wanted, room) == share
    assert sum(min(each, share) for each in wanted) <= room


def test_the_time_to_come_back_is_true() -> None:
    """A client that waits for the given time is let in, and not before."""
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
    """A flood keeps no client out for longer than a minute."""
    clock = Clock()
    limit = StartLimit(1, 100, clock)
    limit.count("192.0.2.1")
    for _ in range(59):
        clock.now += 1
        assert refused(limit, "192.0.2.1") is not None
    clock.now += 1
    assert refused(limit, "192.0.2.1") is None


@pytest.mark.parametrize(
    ("address", "wide", "narrow"),
    [
        ("192.0.2.1", "192.0.2.0/24", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1::/48", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/48", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.0/24", "192.0.2.1"),
        ("testclient", "testclient", "testclient"),
        ("", "", ""),
    ],
)
def test_an_ipv6_customer_is_one(address: str, wide: str, narrow: str) -> None:
    """A customer owns at least a /64, and could use another address for each start."""
    assert network_of(address) == (wide, narrow)
