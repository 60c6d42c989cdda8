"""When a stream is replaced, in seconds of its age."""

import pytest

from agent_core.nova.renewal import RenewalClock, Stage


@pytest.mark.parametrize(
    ("age", "stage"),
    [
        (0, Stage.NOT_YET),
        (359, Stage.NOT_YET),
        (360, Stage.WHEN_QUIET),
        (431, Stage.WHEN_QUIET),
        (432, Stage.WHEN_SPEAKING),
        (449, Stage.WHEN_SPEAKING),
        (450, Stage.ANYHOW),
        (480, Stage.ANYHOW),
    ],
)
def test_it_grows_urgent_with_age(age: float, stage: Stage) -> None:
    """The model ends a stream at 480 s: half a minute before, it is replaced in any case."""
    clock = RenewalClock(360, now=1000)
    clock.spoke(1000 + age)
    assert clock.stage(1000 + age) is stage


def test_a_silent_stream_is_replaced_sooner() -> None:
    """A silent stream is replaced sooner, since Nova 2 ends a stream after 295 seconds without audio."""
    clock = RenewalClock(360, now=0)
    clock.spoke(20)
    assert clock.stage(289) is Stage.NOT_YET
    assert clock.stage(290) is Stage.WHEN_QUIET
    clock.spoke(291)
    assert clock.stage(300) is Stage.NOT_YET


def test_a_failure_is_not_repeated_at_once() -> None:
    """A failed renewal is retried after a pause, and several attempts fit before the end."""
    clock = RenewalClock(360, now=0)
    clock.failed(360)
    assert not clock.may_open(374)
    assert clock.may_open(375)


def test_all_limits_follow_from_one() -> None:
    """A test that divides the setting by ten divides all limits by ten."""
    clock = RenewalClock(36, now=0)
    assert clock.stage(26.9) is Stage.NOT_YET
    assert clock.stage(27) is Stage.WHEN_QUIET
    assert clock.stage(44.9) is Stage.WHEN_SPEAKING
    assert clock.stage(45) is Stage.ANYHOW
