"""When a stream is replaced, in seconds of its age."""

import pytest

from agent_core.nova.renewal import RenewalClock, Urgency


@pytest.mark.parametrize(
    ("age", "urgency"),
    [
        (0, Urgency.NOT_YET),
        (359, Urgency.NOT_YET),
        (360, Urgency.WHEN_QUIET),
        (431, Urgency.WHEN_QUIET),
        (432, Urgency.WHEN_SPEAKING),
        (449, Urgency.WHEN_SPEAKING),
        (450, Urgency.ANYHOW),
        (480, Urgency.ANYHOW),
    ],
)
def test_it_grows_urgent_with_age(age: float, urgency: Urgency) -> None:
    """The model ends a stream at 480 s: half a minute before, it is replaced in any case."""
    clock = RenewalClock(360, now=1000)
    clock.spoke(1000 + age)
    assert clock.urgency(1000 + age) is urgency


def test_a_silent_stream_is_replaced_sooner() -> None:
    """A silent stream is replaced sooner, since Nova 2 ends a stream after 295 seconds without audio."""
    clock = RenewalClock(360, now=0)
    clock.spoke(20)
    assert clock.urgency(289) is Urgency.NOT_YET
    assert clock.urgency(290) is Urgency.WHEN_QUIET
    clock.spoke(291)
    assert clock.urgency(300) is Urgency.NOT_YET


def test_a_failure_is_not_repeated_at_once() -> None:
    """A failed renewal is retried after a pause, and several attempts fit before the end."""
    clock = RenewalClock(360, now=0)
    clock.failed(360)
    assert not clock.may_open(374)
    assert clock.may_open(375)


def test_all_limits_follow_from_one() -> None:
    """A test that divides the setting by ten divides all limits by ten."""
    clock = RenewalClock(36, now=0)
    assert clock.urgency(26.9) is Urgency.NOT_YET
    assert clock.urgency(27) is Urgency.WHEN_QUIET
    assert clock.urgency(44.9) is Urgency.WHEN_SPEAKING
    assert clock.urgency(45) is Urgency.ANYHOW
