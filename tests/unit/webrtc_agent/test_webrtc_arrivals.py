"""Visitors who are still connecting keep no other visitors out."""

from collections import Counter

import pytest

from tests.support.clock import Clock
from webrtc_agent.arrivals import Arrivals, ExpectedArrival, TooManyArriving

PATIENCE = 3.0


class Gate:
    """Arrivals, and a record of those who had to make room."""

    def __init__(self, at_once: int = 8, per_address: int = 2) -> None:
        self.clock = Clock()
        self.arrivals = Arrivals(at_once, per_address, self.clock)
        self.displaced: list[str] = []
        self.waits: list[int] = []

    def expect(self, address: str) -> ExpectedArrival | None:
        """Expect a visitor; return None for a rejected one."""
        try:
            arrival = self.arrivals.expect(address, PATIENCE)
        except TooManyArriving as refusal:
            self.waits.append(refusal.retry_after)
            return None
        arrival.when_displaced(lambda: self.displaced.append(address))
        return arrival


def test_an_address_has_few() -> None:
    """Other addresses are not affected; the oldest arrival makes room when its time is up."""
    gate = Gate()
    assert [gate.expect("192.0.2.1") is None for _ in range(4)] == [False, False, True, True]
    assert gate.waits == [PATIENCE, PATIENCE]
    assert gate.expect("192.0.2.2") is not None
    gate.clock.now += PATIENCE
    assert gate.expect("192.0.2.1") is not None
    assert gate.displaced == ["192.0.2.1"]


def test_who_is_there_is_on_the_way_no_more() -> None:
    """An office behind one address is let in as fast as its connections are established."""
    gate = Gate()
    for _ in range(20):
        arrival = gate.expect("192.0.2.1")
        assert arrival is not None
        arrival.settle()
        arrival.settle()
    assert len(gate.arrivals) == 0


@pytest.mark.parametrize("newcomer", ["203.0.113.1", "198.51.100.99"])
def test_those_of_busy_clients_make_room(newcomer: str) -> None:
    """An arrival of a busy client makes room at once, for another network and for a neighbour."""
    gate = Gate()
    for number in range(8):
        assert gate.expect(f"198.51.100.{number // 2}") is not None
    assert gate.expect(newcomer) is not None
    assert gate.displaced == ["198.51.100.0"]
    assert len(gate.arrivals) == 8


def test_equals_have_the_time_that_it_takes() -> None:
    """A flood from many networks displaces an arrival only when its time is up."""
    gate = Gate()
    for number in range(8):
        assert gate.expect(f"198.51.{number}.1") is not None
    assert gate.expect("203.0.113.1") is None
    gate.clock.now += PATIENCE
    assert gate.expect("203.0.113.1") is not None
    assert gate.displaced == ["198.51.0.1"]


def test_a_crowd_of_one_network_displaces_nobody_else() -> None:
    """A /24 full of strangers shares what one newcomer of another network leaves."""
    gate = Gate(at_once=4)
    others = ["203.0.113.1", "192.0.2.1"]
    for address in others:
        assert gate.expect(address) is not None
    for number in range(250):
        gate.expect(f"198.51.100.{number}")
        gate.clock.now += 0.001
    assert Counter(gate.displaced).keys().isdisjoint(others)
    assert len(gate.arrivals) == 4


def test_one_who_had_to_make_room_early_is_given_up_as_soon_as_possible() -> None:
    """An arrival displaced while its offer is being answered is abandoned as soon as possible."""
    gate = Gate(at_once=2)
    early = gate.arrivals.expect("198.51.100.1", PATIENCE)
    assert gate.expect("198.51.100.1") is not None
    assert gate.expect("203.0.113.1") is not None
    early.when_displaced(lambda: gate.displaced.append("early"))
    assert gate.displaced == ["early"]
