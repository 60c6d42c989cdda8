"""Whether a visitor is still there."""

import pytest

from webrtc_agent.peer_liveness import LOST_SECONDS, PeerLiveness

CONNECT_SECONDS = 15.0
PINGS_STALE = 3.0
"""Seconds after which Pipecat reports missing pings."""


class Visit:
    """A watch and its clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.watch = PeerLiveness(lambda: self.now, CONNECT_SECONDS)

    def lasts(self, seconds: float, *, connected: bool, sounding: bool = False) -> bool:
        """Let time pass; return whether the visitor counts as present throughout."""
        end = self.now + seconds
        while self.now < end:
            self.now += 0.5
            if sounding:
                self.watch.heard()
            if self.watch.is_lost(connected=connected):
                return False
        return True


def test_who_never_connects_is_given_up() -> None:
    """An offer alone holds a slot for a limited time, whatever state its connection reports."""
    web_session = Visit()
    assert web_session.lasts(CONNECT_SECONDS - 0.5, connected=True)
    assert not web_session.lasts(1, connected=True)


def test_pings_alone_keep_a_visit_alive() -> None:
    """Pings alone keep a visit alive: the microphone of some clients sends nothing while muted."""
    web_session = Visit()
    web_session.watch.connected()
    assert web_session.lasts(600, connected=True)


def test_sound_alone_keeps_a_visit_alive() -> None:
    """After a network failure audio comes back at once, pings only at their next interval."""
    web_session = Visit()
    web_session.watch.connected()
    assert web_session.lasts(600, connected=False, sounding=True)


def test_five_seconds_of_nothing_are_survived() -> None:
    """A visit survives five seconds without any packet, again and again."""
    web_session = Visit()
    web_session.watch.connected()
    for _ in range(10):
        assert web_session.lasts(5, connected=False)
        assert web_session.lasts(2, connected=True)


def test_a_closed_tab_is_noticed_within_12_seconds() -> None:
    """Pings count as missing after three seconds; the rest is the watch's own patience."""
    web_session = Visit()
    web_session.watch.connected()
    assert web_session.lasts(10, connected=True)
    assert not web_session.lasts(LOST_SECONDS, connected=False)
    assert LOST_SECONDS + PINGS_STALE + 0.5 <= 12


def test_who_comes_back_is_present_again() -> None:
    """A new connection in the same session gets its full time."""
    web_session = Visit()
    web_session.watch.connected()
    assert web_session.lasts(7, connected=False)
    web_session.watch.connected()
    assert web_session.lasts(7, connected=False)


@pytest.mark.parametrize(("silence", "left"), [(0.0, True), (5.0, True), (25.0, False)])
def test_a_closed_connection_was_left_by_a_visitor_who_was_heard_not_long_before(silence: float, left: bool) -> None:  # noqa: FBT001
    """A connection also closes when its consent expires, after the visitor's network was gone for half a minute."""
    web_session = Visit()
    web_session.watch.connected()
    web_session.now += silence
    assert web_session.watch.has_left(connected=False) == left


def test_a_connection_that_never_stood_was_not_left() -> None:
    """A connection that was never established does not count as left by its visitor."""
    assert not Visit().watch.has_left(connected=True)
