"""The headers say where the browser may load from, and the page is sent compressed."""

import pytest

from webrtc_agent.headers import content_security_policy


@pytest.mark.parametrize("daily", [False, True])
def test_the_visitors_page_runs_nothing_that_stands_in_the_page(*, daily: bool) -> None:
    """Neither script nor style may be inline, with Daily or without."""
    assert "unsafe" not in content_security_policy(daily=daily)


def test_peer_to_peer_pages_talk_with_nobody_else() -> None:
    """Without Daily the policy names no other host."""
    assert "//" not in content_security_policy(daily=False)
    assert "daily.co" in content_security_policy(daily=True)
