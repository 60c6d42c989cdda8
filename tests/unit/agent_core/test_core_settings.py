"""Settings are read once, and rejected in one line that names the variable and shows no value."""

from pathlib import Path

import pytest

from agent_core.errors import ConfigurationError
from agent_core.settings import CoreSettings, Sensitivity
from phone_agent.settings import PhoneSettings

SECRET = "canary-of-a-secret"
ACCOUNT = "AC" + "0" * 32


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a folder without a developer's .env."""
    monkeypatch.chdir(tmp_path)


def test_a_service_without_settings_has_defaults() -> None:
    """The settings that both services share all have defaults."""
    settings = CoreSettings.read()
    assert settings.model_endpoint == "https://bedrock-runtime.us-east-1.amazonaws.com"
    assert settings.base_url == "http://127.0.0.1:7860"
    assert settings.max_sessions == 30


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable is the field's name in capitals; an empty one counts as unset, and an address loses its last slash."""
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
    """Settings come from .env, and the environment overrides them."""
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
    """The line names the variable but not the value, which might be a misplaced secret."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        CoreSettings.read()
    assert caught.value.reason.startswith(f"{name}: ")
    assert "\n" not in caught.value.reason
    assert SECRET not in str(caught.value)


def test_the_phone_service_says_all_that_it_lacks() -> None:
    """Both missing variables are reported together, so that an operator need not start the service twice."""
    with pytest.raises(ConfigurationError) as caught:
        PhoneSettings.read()
    assert caught.value.reason == "set TWILIO_ACCOUNT_SID; set TWILIO_AUTH_TOKEN"


def test_a_token_in_place_of_the_account_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """If two variables are swapped, a secret stands where an identifier belongs, and is not shown."""
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", SECRET)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", SECRET)
    with pytest.raises(ConfigurationError) as caught:
        PhoneSettings.read()
    assert caught.value.reason.startswith("TWILIO_ACCOUNT_SID: ")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that are printed by accident show no secret."""
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", SECRET)
    monkeypatch.setenv("TWILIO_API_SID", "SK1")
    monkeypatch.setenv("TWILIO_API_SECRET", SECRET)
    settings = PhoneSettings.read()
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.model_dump())


def test_tokens_while_one_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """During a rotation every token may sign; REST uses the first one, unless there is an API key."""
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
    """An empty token is rejected: any client could sign with an empty key."""
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", token)
    with pytest.raises(ConfigurationError, match="TWILIO_AUTH_TOKEN"):
        _ = PhoneSettings.read().auth_tokens


def test_agents_get_variables_that_a_deployment_sets_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets count more than the others, and a variable of its own counts most, as on a developer's machine."""
    monkeypatch.setenv("AGENT_VARIABLES", '{"DESK_URL": "https://one.example.com", "ROOM": "1", "TOKEN": "none"}')
    monkeypatch.setenv("AGENT_SECRETS", f'{{"TOKEN": "{SECRET}"}}')
    (tmp_path / ".env").write_text("ROOM=2\n")
    settings = CoreSettings.read()
    found = settings.variables()
    assert [found[name] for name in ("DESK_URL", "ROOM", "TOKEN")] == ["https://one.example.com", "2", SECRET]
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("name", ["AGENT_VARIABLES", "AGENT_SECRETS"])
@pytest.mark.parametrize(
    ("value", "right"),
    [
        (f"TOKEN={SECRET}", "a JSON object such as"),
        (f'["{SECRET}"]', "a JSON object of names and texts"),
        (f'{{"token": "{SECRET}"}}', "names in capitals, with digits and _"),
        ('{"TOKEN": 5}', "the value of TOKEN must be a text, in quotation marks"),
        ('{"TOKEN": null}', "the value of TOKEN must be a text, in quotation marks"),
    ],
)
def test_variables_of_agents_that_cannot_be_read_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, right: str
) -> None:
    """The line says what is right, and shows no value."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"{name}: {right}") as refused:
        CoreSettings.read()
    assert SECRET not in refused.value.reason
