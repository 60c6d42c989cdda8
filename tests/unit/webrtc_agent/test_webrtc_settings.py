"""The settings of the web service."""

from pathlib import Path

import pytest

from agent_core.errors import ConfigurationError
from webrtc_agent.settings import WebSettings

ROOT = Path(__file__).parents[3]


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> WebSettings:
    """Read the settings from an environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return WebSettings.read()


def test_nothing_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop without any account uses peer-to-peer connections."""
    settings = read(monkeypatch)
    assert not settings.uses_daily
    assert settings.ice_servers == settings.ice_hosts == settings.allowed_origins == ()


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are comma-separated, as in the other settings."""
    settings = read(monkeypatch, ICE_HOSTS="127.0.0.1, ::1", ALLOWED_ORIGINS="https://a.example,https://b.example")
    assert [str(host) for host in settings.ice_hosts] == ["127.0.0.1", "::1"]
    assert settings.allowed_origins == ("https://a.example", "https://b.example")


def test_ice_servers_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """ICE servers are JSON in the shape that browsers accept."""
    servers = (
        '[{"urls": "turn:localhost:3478?transport=tcp", "username": "u", "credential": "c"}, {"urls": ["stun:x"]}]'
    )
    settings = read(monkeypatch, ICE_SERVERS=servers)
    assert settings.ice_servers[0].username == "u"
    assert settings.ice_servers[1].urls == ["stun:x"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ICE_HOSTS", "localhost"),
        ("ICE_SERVERS", '[{"url": "stun:x"}]'),
        ("TRANSPORT", "websocket"),
        ("ALLOWED_ORIGINS", "example.com"),
        ("ALLOWED_ORIGINS", '["https://example.com"]'),
        ("ALLOWED_ORIGINS", "https://example.com/page"),
        ("RATE_LIMIT_STARTS_PER_MINUTE", "0"),
    ],
)
def test_a_mistake_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A mistake in a setting is one line with the variable's name."""
    with pytest.raises(ConfigurationError) as error:
        read(monkeypatch, **{name: value})
    assert name in error.value.reason


@pytest.mark.parametrize(
    ("environment", "daily"),
    [
        ({"DAILY_API_KEY": "key"}, True),
        ({"DAILY_API_KEY": "key", "TRANSPORT": "webrtc"}, False),
        ({"DAILY_API_KEY": "key", "TRANSPORT": "daily"}, True),
        ({}, False),
    ],
)
def test_a_key_turns_daily_on(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], daily: bool) -> None:  # noqa: FBT001 - a table
    """With a key Daily is on, unless the operator turns it off."""
    assert read(monkeypatch, **environment).uses_daily is daily


def test_daily_without_a_key_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Daily without a key is an error: the service does not fall back to another transport."""
    settings = read(monkeypatch, TRANSPORT="daily")
    with pytest.raises(ConfigurationError, match="DAILY_API_KEY"):
        assert settings.uses_daily


def test_no_deployment_serves_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console is for developers: off by default, and no template turns it on."""
    assert not read(monkeypatch).serve_console
    templates = [path for path in (ROOT / "infra").rglob("*.yaml") if "node_modules" not in path.parts]
    assert templates
    assert [path.name for path in templates if "SERVE_CONSOLE" in path.read_text(encoding="utf-8")] == []
