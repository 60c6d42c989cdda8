"""Settings in `.env` select the real service instead of its stand-in, as Compose itself reads the file."""

import json
import os
from dataclasses import replace
from typing import Any

import pytest

from tests.support.containers import Engine

STANDINS = {"nova", "twilio", "person", "weather", "desk"}
AWS = {"AWS_ACCESS_KEY_ID": "of-an-account", "AWS_SECRET_ACCESS_KEY": "of-an-account"}
TWILIO = {"TWILIO_ACCOUNT_SID": "AC" + "1" * 32, "TWILIO_AUTH_TOKEN": "t", "PUBLIC_BASE_URL": "https://agent.example"}
WEATHER = {"OPEN_METEO_FORECAST_URL": "https://weather.example/v1/forecast", "OPEN_METEO_API_KEY": "key"}
DESK = {"BOOKING_DESK_URL": "https://desk.example/mcp", "BOOKING_DESK_TOKEN": "key"}


def understood(engine: Engine, accounts: dict[str, str]) -> dict[str, Any]:
    """Return the services that Compose would start with this `.env`."""
    settings = {"COMPOSE_ENV_FILES": os.devnull, "ENV_FILE": "no-such-file", **accounts}
    config: dict[str, Any] = json.loads(replace(engine, settings=settings)("compose", "config", "--format", "json"))
    services: dict[str, Any] = config["services"]
    return services


@pytest.mark.parametrize(
    ("accounts", "real"),
    [
        ({}, set()),
        (AWS, {"nova"}),
        (TWILIO, {"twilio", "person"}),
        (WEATHER, {"weather"}),
        (DESK, {"desk"}),
        (AWS | TWILIO | WEATHER | DESK, STANDINS),
    ],
)
def test_a_stand_in_makes_room_for_the_real_thing(engine: Engine, accounts: dict[str, str], real: set[str]) -> None:
    """Each real service in `.env` removes its stand-in and changes the settings of our services."""
    services = understood(engine, accounts)
    assert set(services) & STANDINS == STANDINS - real
    phone, web = (services[name]["environment"] for name in ("phone-agent", "webrtc-agent"))
    for environment in (phone, web):
        assert ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME" in environment) is ("nova" not in real)
        assert ("SSL_CERT_FILE" in environment) is ("nova" not in real)
        assert environment["OPEN_METEO_FORECAST_URL"].startswith("https" if "weather" in real else "http:")
        assert ("TOOL_PRIVATE_HOSTS" in environment) is ("desk" not in real)
        assert environment["OPEN_METEO_API_KEY"] == ("key" if "weather" in real else "")
    assert ("TWILIO_API_BASE_URL" in phone) is ("twilio" not in real)
    assert phone["PUBLIC_BASE_URL"] == (TWILIO["PUBLIC_BASE_URL"] if "twilio" in real else "http://127.0.0.1:7860")
    for name, value in accounts.items():
        if not name.startswith("OPEN_"):
            assert phone[name] == value
    assert web["TWILIO_AUTH_TOKEN"] == ""


def test_the_telephone_needs_an_address(engine: Engine) -> None:
    """Compose rejects incomplete Twilio settings with a message."""
    settings = {"COMPOSE_ENV_FILES": os.devnull, "ENV_FILE": "no-such-file", "TWILIO_AUTH_TOKEN": "t"}
    refused = replace(engine, settings=settings).attempt("compose", "config")
    assert refused.returncode != 0
    assert "PUBLIC_BASE_URL" in refused.stderr
    assert "at which Twilio reaches this machine" in refused.stderr
