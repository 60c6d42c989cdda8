"""The fragment of a webhook URL: timeouts and what is retried."""

import httpx
import pytest

from standins.twilio.overrides import read

REFUSED, LATE = httpx.ConnectError("refused"), httpx.ReadTimeout("late")


def test_without_a_fragment_a_connection_is_tried_twice() -> None:
    """Without a fragment a connection is tried twice for five seconds, and nothing else is retried."""
    how = read("", 15.0)
    assert (how.connect, how.read, how.retries, how.total) == (5.0, 15.0, 1, 15.0)
    assert [how.tries_again(failure) for failure in (REFUSED, LATE, 404, 502)] == [True, False, False, False]


def test_time_outs_are_in_milliseconds_and_never_longer_than_usual() -> None:
    """Timeouts are in milliseconds, and a fragment can only shorten them."""
    how = read("ct=2000&rt=3000&rc=9", 15.0)
    assert (how.connect, how.read, how.retries) == (2.0, 3.0, 5)
    assert read("rt=60000", 15.0).read == 15.0
    assert (read("ct=60000", 15.0).connect, read("tt=60000", 15.0).total, read("tt=4000", 15.0).total) == (
        10.0,
        15.0,
        4.0,
    )


@pytest.mark.parametrize(
    ("fragment", "again"),
    [
        ("rc=1", [True, False, False, False]),
        ("rc=1&rp=rt", [False, True, False, False]),
        ("rc=1&rp=4xx,5xx", [False, False, True, True]),
        ("rc=1&rp=ct,rt,5xx", [True, True, False, True]),
        ("rc=1&rp=all", [True, True, True, True]),
        ("rc=1&rp=nonsense", [False, False, False, False]),
    ],
)
def test_only_the_failures_that_are_named_are_tried_again(fragment: str, again: list[bool]) -> None:
    """Only the named failures are retried, or a failed connection if none is named."""
    how = read(fragment, 15.0)
    assert [how.tries_again(failure) for failure in (REFUSED, LATE, 404, 502)] == again
