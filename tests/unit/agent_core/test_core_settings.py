"""Settings: read once, refused in one line that names the variable and shows no value."""

from pathlib import Path

import pytest

from agent_core.errors import ConfigurationError
from agent_core.settings import CoreSettings, Sensitivity
from phone_agent.settings import PhoneSettings

SECRET = "canary-of-a-secret"
ACCOUNT = "AC" + "0" * 32


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read no developer's .env."""
    monkeypatch.chdir(tmp_path)


def test_a_service_without_settings_has_defaults() -> None:
    """What both services share needs nothing set."""
    settings = CoreSettings.read()
    assert settings.model_endpoint == "https://bedrock-runtime.us-east-1.amazonaws.com"
    assert settings.base_url == "http://127.0.0.1:7860"
    assert settings.max_sessions == 30


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name is the field's in capitals; an empty variable counts as none, an address loses its last slash."""
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("NOVA_SONIC_REGION", "us-west-2")
    monkeypatch.setenv("NOVA_SONIC_ENDPOINTING", "LOW")
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://voice.example.org/agent/")
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "https://vpce.example.org:8443/")
    monkeypatch.setenv("MAX_SESSIONS", "")
    settings = CoreSettings.read()
    assert settings.model_region == "us-west-2"
    assert settings.nova_sonic_endpointing is Sensitivity.LOW
    assert settings.base_url == "https://voice.example.org/agent"
    assert settings.model_endpoint == "https://vpce.example.org:8443"
    assert settings.max_sessions == 30


def test_a_file_is_read_and_the_environment_counts_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer keeps settings in .env and overrides one of them for a run."""
    (tmp_path / ".env").write_text("AWS_REGION=eu-north-1\nNOVA_SONIC_VOICE=amy\n")
    monkeypatch.setenv("NOVA_SONIC_VOICE", "tiffany")
    settings = CoreSettings.read()
    assert (settings.aws_region, settings.nova_sonic_voice) == ("eu-north-1", "tiffany")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_SESSIONS", "0"),
        ("MAX_SESSIONS", SECRET),
        ("MAX_CALL_SECONDS", "9"),
        ("DRAIN_SECONDS", "116"),
        ("FAST_API_PORT", "65536"),
        ("LOG_LEVEL", SECRET),
        ("ENVIRONMENT", SECRET),
        ("PUBLIC_BASE_URL", SECRET),
        ("NOVA_SONIC_ENDPOINTING", SECRET),
        ("FORWARDED_ALLOW_IPS", SECRET),
        ("FORWARDED_ALLOW_IPS", "*"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.0/8, balancer"),
        ("NOVA_SONIC_VOICE", SECRET),
        ("TIME_ZONE", SECRET),
        ("TIME_ZONE", "Europe"),
        ("TIME_ZONE", "../../etc/hostname"),
    ],
)
def test_a_wrong_value_is_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The line names the variable; the value might be a secret in the wrong place."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        CoreSettings.read()
    assert caught.value.reason.startswith(f"{name}: ")
    assert "\n" not in caught.value.reason
    assert SECRET not in str(caught.value)


def test_the_phone_service_says_all_that_it_lacks() -> None:
    """Both at once, so that an operator need not start it twice to learn of the second."""
    with pytest.raises(ConfigurationError) as caught:
        PhoneSettings.read()
    assert caught.value.reason == "set TWILIO_ACCOUNT_SID; set TWILIO_AUTH_TOKEN"


def test_a_token_in_place_of_the_account_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two variables mixed up put a secret where an identifier belongs."""
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", SECRET)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", SECRET)
    with pytest.raises(ConfigurationError) as caught:
        PhoneSettings.read()
    assert caught.value.reason.startswith("TWILIO_ACCOUNT_SID: ")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that are printed by accident print no secret."""
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", SECRET)
    monkeypatch.setenv("TWILIO_API_SID", "SK1")
    monkeypatch.setenv("TWILIO_API_SECRET", SECRET)
    settings = PhoneSettings.read()
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.model_dump())


def test_tokens_while_one_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """All may sign; REST uses the one in use, unless there is an API key."""
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "in-use, next")
    settings = PhoneSettings.read()
    assert settings.auth_tokens == ["in-use", "next"]
    assert settings.rest_credentials == (ACCOUNT, "in-use")
    monkeypatch.setenv("TWILIO_API_SID", "SK1")
    monkeypatch.setenv("TWILIO_API_SECRET", "key-secret")
    assert PhoneSettings.read().rest_credentials == ("SK1", "key-secret")


@pytest.mark.parametrize("token", [",", "in-use,", " "])
def test_an_empty_token_signs_nothing(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    """An empty key would let anybody sign."""
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", token)
    with pytest.raises(ConfigurationError, match="TWILIO_AUTH_TOKEN"):
        _ = PhoneSettings.read().auth_tokens
