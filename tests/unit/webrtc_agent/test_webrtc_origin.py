"""Which pages may start sessions."""

import pytest

from agent_core.errors import Forbidden
from webrtc_agent.origin import AllowedOrigins


def is_allowed(origins: AllowedOrigins, origin: str | None) -> bool:
    """Return the verdict."""
    try:
        origins.check(origin)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),  # a native app
        ("https://talk.example.com", True),
        ("HTTPS://Talk.Example.COM", True),
        ("https://partner.example", True),
        ("https://partner.example:8443", False),
        ("http://talk.example.com", False),
        ("https://talk.example.com.evil.example", False),
        ("https://evil.example", False),
        ("https://example.com", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_our_own_pages(origin: str | None, allowed: bool) -> None:  # noqa: FBT001 - a table
    """A page of another site cannot spend the operator's money from its visitors' browsers."""
    origins = AllowedOrigins("https://talk.example.com:443/", ["https://Partner.example/"])
    assert is_allowed(origins, origin) is allowed


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_has_three_names(host: str) -> None:
    """The three names of loopback are equivalent: people type localhost where the settings say 127.0.0.1."""
    origins = AllowedOrigins("http://127.0.0.1:7860", [])
    assert is_allowed(origins, f"http://{host}:7860")
    assert not is_allowed(origins, f"http://{host}:7861")
    assert not is_allowed(origins, f"https://{host}:7860")
