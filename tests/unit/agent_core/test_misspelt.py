"""A misspelt setting is found, and a variable of another program is not mistaken for one."""

import io
from pathlib import Path
from unittest.mock import patch

import pytest
from pydantic_settings import DotEnvSettingsSource

import agent_core.settings
from agent_core import misspelt
from agent_core.errors import ConfigurationError
from agent_core.observability import logs
from agent_core.settings import RENAMED, CoreSettings, LogFormat
from phone_agent.settings import PhoneSettings
from voice_agent.run.ports import PORT_NAMES
from webrtc_agent.settings import WebSettings

SERVICES = (PhoneSettings, WebSettings)
# fmt: off
PLATFORM = [
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_PROFILE",
    "AWS_REGIONS", "ECS_AGENT_URI", "ECS_CONTAINER_METADATA_URI_V4", "HOME", "HOST", "HOSTNAME", "LANG", "LOGNAME",
    "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_ENDPOINTS", "PATH", "PWD", "SHELL", "SSL_CERT_FILE", "TERM",
    "TZ", "USER", "VIRTUAL_ENV", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "KUBERNETES_SERVICE_HOST",
    "MEMCACHED_URL", "TRANSLATION", "ENVIRON", "PUBLIC_KEY", "LOG", "TOKEN", "PORT",
]
# fmt: on


def names(settings: type[CoreSettings]) -> set[str]:
    """Return the settings of a service as variables."""
    return {name.upper() for name in settings.model_fields}


@pytest.fixture(autouse=True)
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what the phone service requires, and read no developer's file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "1" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "token")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NOVA_SONIC_VOIC", "NOVA_SONIC_VOICE"),
        ("NOVA_SONIC_VIOCE", "NOVA_SONIC_VOICE"),
        ("NOVASONIC_VOICE", "NOVA_SONIC_VOICE"),
        ("NOVA_VOICE", "NOVA_SONIC_VOICE"),
        ("TRANSFER_DESTINATION", "TRANSFER_DESTINATIONS"),
        ("TIMEZONE", "TIME_ZONE"),
        ("MAX_SESION", "MAX_SESSIONS"),
        ("PUBLIC_URL", "PUBLIC_BASE_URL"),
    ],
)
def test_a_misspelt_name_in_the_file_stops_the_service_at_its_start(tmp_path: Path, written: str, meant: str) -> None:
    """A misspelt name in the file stops the start; one line says what to write and shows no value."""
    (tmp_path / ".env").write_text(f"{written}=a-secret\n")
    for settings in SERVICES:
        with pytest.raises(ConfigurationError) as refused:
            settings.read()
        assert refused.value.reason == f".env: {written} is not a setting; write {meant}"


@pytest.mark.usefixtures("logging_as_before")
def test_a_misspelt_name_in_the_environment_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt variable logs one warning at start and stops no deployment: the platform may add one of its own."""
    monkeypatch.setenv("NOVA_SONIC_VOIC", "a-secret")
    settings = WebSettings.read()
    monkeypatch.setattr("sys.stdout", output := io.StringIO())  # a used logger keeps its configuration
    logs.configure("webrtc-agent", settings.model_copy(update={"log_format": LogFormat.JSON}))
    written = output.getvalue()
    assert written.count("variable_ignored") == 1
    assert '"variable":"NOVA_SONIC_VOIC","meant":"NOVA_SONIC_VOICE"' in written
    assert "a-secret" not in written


@pytest.mark.usefixtures("logging_as_before")
def test_a_former_name_is_read_for_one_release_with_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A former name works in the environment and in the file, with a warning; the new name wins."""
    (tmp_path / ".env").write_text("MAX_SPEND_PER_DAY=7\n")
    monkeypatch.setenv("STARTS_PER_MINUTE", "41")
    monkeypatch.setenv("METRICS_SECONDS", "3")
    monkeypatch.setenv("METRICS_INTERVAL_SECONDS", "4")
    settings = WebSettings.read()
    read = [settings.daily_budget_usd, settings.rate_limit_starts_per_minute, settings.metrics_interval_seconds]
    assert read == [7, 41, 4]
    monkeypatch.setattr("sys.stdout", output := io.StringIO())
    logs.configure("webrtc-agent", settings.model_copy(update={"log_format": LogFormat.JSON}))
    assert output.getvalue().count("setting_renamed") == 3
    assert output.getvalue().count("variable_ignored") == 0


@pytest.mark.parametrize("settings", SERVICES)
def test_the_file_is_read_once_for_all_former_names(
    settings: type[CoreSettings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Looking for former names reads the file once, and no former name counts as misspelt."""
    (tmp_path / ".env").write_text("".join(f"{old}=1\n" for old in RENAMED))
    monkeypatch.setenv("METRICS_SECONDS", "3")
    with patch.object(agent_core.settings, "DotEnvSettingsSource", wraps=DotEnvSettingsSource) as source:
        assert {old for old, _ in settings.renamed()} == {old for old, new in RENAMED.items() if new in names(settings)}
    assert source.call_count == 1
    assert settings.misspelt() == []


@pytest.mark.parametrize("settings", SERVICES)
def test_what_belongs_to_others_is_left_alone(settings: type[CoreSettings]) -> None:
    """Variables of the platform, of the other service and of `voice-agent run` in the same file are ignored."""
    others = {name for one in SERVICES for name in names(one)} | {variable for _, variable in PORT_NAMES.values()}
    others |= {"NOVA", "WEATHER", "DAILY", *PLATFORM}
    assert misspelt.find(others, names(settings)) == {}


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("a", "a", 0), ("ab", "ba", 1), ("abc", "ac", 1), ("abc", "abcd", 1), ("abc", "axc", 1), ("abc", "xyz", 3)],
)
def test_edits_are_counted(one: str, other: str, edits: int) -> None:
    """An inserted, missing, replaced or swapped letter is one edit each."""
    assert misspelt.edits(one, other) == misspelt.edits(other, one) == edits
