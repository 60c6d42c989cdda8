"""`voice-agent doctor` against the stand-ins: what it finds, what it fixes, and how long it waits at most."""

import asyncio
import io
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from deployment import service_secrets
from deployment.aws import Aws
from deployment.checks import secrets as secret_checks
from deployment.checks.finding import Finding, good
from deployment.console import CheckMark, Screen
from deployment.service_secrets import Found, SecretNeeded
from doctor import amazon, doctor, machine, others, twilio_checks
from doctor.options import doctor as command
from doctor.probing import Check, make
from doctor.surroundings import MachineState
from standins.daily import DailyStandin
from standins.serving import serving
from standins.twilio import ExchangeSettings, TwilioExchange
from voice_agent.run.parts import Ports

pytestmark = pytest.mark.real_time("the checks are threads that wait for sockets, which the shared clock does not see")
NUMBER = "+46701234567"
SETTINGS = ExchangeSettings(numbers=(NUMBER,))
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioExchange]:
    """Return Twilio's stand-in, with one number that has no webhook."""
    async with TwilioExchange(SETTINGS) as running:
        yield running


@asynccontextmanager
async def agent(status: int) -> AsyncIterator[str]:
    """Answer the webhook as an agent or as another program, and return a URL that looks public."""

    async def answer(_: object) -> Response:
        return Response(status_code=status)

    app = Starlette(routes=[Route("/incoming-call", answer, methods=["POST"])])
    async with serving(app, host="127.0.0.1", port=0) as port:
        yield f"http://LOCALHOST:{port}"


def surroundings(twilio: TwilioExchange | None = None, **more: str) -> MachineState:
    """Return the state of a machine with the stand-in's account."""
    given = {"WEATHER": "standin", **more}
    if twilio is not None:
        account = {"TWILIO_ACCOUNT_SID": SETTINGS.account_sid, "TWILIO_AUTH_TOKEN": SETTINGS.auth_token}
        given = {**account, "TWILIO_API_BASE_URL": twilio.url, **given}
    return MachineState(Path(), given)


def row(found: list[Finding], subject: str) -> str:
    """Return a row as printed."""
    (one,) = (one for one in found if one.subject.startswith(subject))
    return f"{one.mark} {one.subject}: {one.found} → {'; '.join(one.advice)}".removesuffix(" → ")


async def test_a_webhook_that_points_elsewhere_is_shown_and_repaired(twilio: TwilioExchange) -> None:
    """Doctor shows the old and the new webhook before it fixes one; a second run changes nothing."""
    here = surroundings(twilio, PUBLIC_BASE_URL="https://agent.example")
    found = await asyncio.to_thread(twilio_checks.numbers, here)
    assert row(found, "number") == (
        "✗ number …4567: webhook (none), POST → `voice-agent doctor --fix` sets it to "
        "https://agent.example/incoming-call, POST"
    )
    assert NUMBER not in str(found)
    ((words, point),) = await asyncio.to_thread(twilio_checks.pointing, here)
    assert words == "change the webhook of number …4567: none → POST https://agent.example/incoming-call"
    await asyncio.to_thread(point)
    assert row(await asyncio.to_thread(twilio_checks.numbers, here), "number").startswith("✓")
    assert await asyncio.to_thread(twilio_checks.pointing, here) == []


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (
            {"TWILIO_AUTH_TOKEN": "wrong"},
            (
                "✗ twilio: Twilio does not know the key → correct TWILIO_ACCOUNT_SID, and TWILIO_API_SID with "
                "TWILIO_API_SECRET or TWILIO_AUTH_TOKEN"
            ),
        ),
        (
            {"TWILIO_API_BASE_URL": "http://127.0.0.1:9"},
            (
                "✗ twilio: 127.0.0.1 refused the connection: nothing listens there → check TWILIO_API_BASE_URL and "
                "TWILIO_REGION, and whether a firewall rejects the connection"
            ),
        ),
        (
            {"TWILIO_AUTH_TOKEN": ""},
            "✗ twilio: TWILIO_ACCOUNT_SID is set without a token or key → set TWILIO_AUTH_TOKEN too",
        ),
    ],
    ids=["wrong token", "not there", "no token"],
)
async def test_an_account_that_does_not_work_says_why(twilio: TwilioExchange, more: dict[str, str], line: str) -> None:
    """Doctor reports why an account fails, and skips the checks that depend on it."""
    assert row(await asyncio.to_thread(twilio_checks.numbers, surroundings(twilio, **more)), "twilio") == line


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (403, "✓ webhook: http.* answers, and rejects requests without Twilio's signature"),
        (404, "✗ webhook: http.* answers 404 → check PUBLIC_BASE_URL: another program answers there"),
        (200, "✗ webhook: http.* accepts a request without a signature → it is not this agent: check PUBLIC_BASE_URL"),
        (502, "✗ webhook: http.* answers 502 → check that the phone service runs at this URL"),
    ],
)
async def test_the_public_address_is_asked_as_a_stranger_would(status: int, says: str) -> None:
    """Doctor requests the public URL unsigned: only our agent rejects an unsigned request."""
    async with agent(status) as url:
        found = await asyncio.to_thread(twilio_checks.public_address, surroundings(PUBLIC_BASE_URL=url))
    assert re.fullmatch(says, row(found, "webhook"))


async def test_daily_is_asked_with_its_key() -> None:
    """Doctor checks Daily only with an API key, and distinguishes a wrong key from an outage."""
    async with DailyStandin() as standin:
        url = {"DAILY_API_URL": standin.api_url}
        right = MachineState(Path(), {"DAILY_API_KEY": standin.api_key, **url})
        wrong = MachineState(Path(), {"DAILY_API_KEY": "wrong", **url})
        assert row(await asyncio.to_thread(others.daily, right), "daily") == "✓ daily: 127.0.0.1 accepts the key"
        assert row(await asyncio.to_thread(others.daily, wrong), "daily") == (
            "✗ daily: Daily does not know the key → correct DAILY_API_KEY"
        )
    gone = row(await asyncio.to_thread(others.daily, right), "daily")
    assert gone.startswith("✗ daily: 127.0.0.1 refused the connection: nothing listens there → check DAILY_API_URL")
    assert row(others.daily(surroundings()), "daily").startswith(str(CheckMark.UNSET))


async def test_the_free_weather_service_wants_a_word_about_its_licence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doctor reports that the keyless weather service may not be used commercially."""

    async def answers(*_: object) -> None:
        """Find no problem."""

    monkeypatch.setattr(others, "_forecast", answers)
    free, paid = MachineState(Path(), {}), MachineState(Path(), {"OPEN_METEO_API_KEY": "key"})
    assert row(await asyncio.to_thread(others.weather, free), "weather") == (
        "! weather: Open-Meteo's free plan answers; it is for non-commercial use only → for commercial use, "
        "subscribe at open-meteo.com and set OPEN_METEO_API_KEY"
    )
    assert row(await asyncio.to_thread(others.weather, paid), "weather").startswith("✓")


class Sealed:
    """A deployment's Twilio secret that lacks a key."""

    need = SecretNeeded("phone", "pipecat/twilio-credentials", "TwilioSecretArn", {"account_sid": ""}, {}, ("api_sid",))
    found = Found("arn:aws:secretsmanager:eu-north-1:1:secret:pipecat/twilio-credentials-x", "", {"account_sid": "AC"})

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.filled: list[dict[str, str]] = []
        monkeypatch.setattr(amazon, "source", lambda: "the environment")
        monkeypatch.setattr(amazon, "_job", lambda _: self)
        monkeypatch.setattr(service_secrets, "read_by_services", lambda *_: (self.need,))
        monkeypatch.setattr(service_secrets, "find", lambda *_: self.found)
        monkeypatch.setattr(service_secrets, "fill", lambda *given: self.filled.append(given[3]))

    def __getattr__(self, _: str) -> Any:  # noqa: ANN401 - replaces a whole job
        return self

    def __getitem__(self, _: str) -> "Sealed":
        return self


def test_a_secret_without_a_key_stops_every_task_and_can_be_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doctor fixes a secret that lacks a key and keeps its other keys.

    ECS starts no task whose definition names a missing key.
    """
    sealed = Sealed(monkeypatch)
    monkeypatch.setattr(secret_checks, "check", lambda *_: [secret_checks.judge(sealed.found, sealed.need)])
    here = MachineState(Path(), {}, deployed="test")
    assert row(amazon.stored_keys(here), "phone secret") == (
        "✗ phone secret: pipecat/twilio-credentials has no key api_sid: ECS does not start a task without it → "
        "`voice-agent doctor --fix` adds it, empty; a required value must still be set"
    )
    ((words, repair),) = amazon.missing_keys(here)
    assert words == "add api_sid, empty, to pipecat/twilio-credentials"
    repair()
    assert sealed.filled == [{}]


@pytest.fixture(scope="module")
def aws() -> Aws:
    """Make the clients once: that takes most of a second."""
    return Aws("eu-north-1", "eu-north-1", boto3.Session("testing", "testing"))


@pytest.mark.thorough
@pytest.mark.parametrize(("hours", "mark"), [(0, "✓"), (1, "✗")])
def test_credentials_are_named_with_their_source_and_the_clock(
    aws: Aws, hours: int, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doctor names the source of the credentials, masks the account, and reports a clock that is an hour off."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    here = MachineState(Path(), {"AWS_REGION": "eu-north-1"}, _aws=aws)
    date = format_datetime(NOW + timedelta(hours=hours), usegmt=True)
    answer = {"Account": "123456789012", "UserId": "x", "Arn": "arn:aws:iam::123456789012:user/anna"}
    with Stubber(here.aws.sts) as stub:
        stub.add_response(
            "get_caller_identity", {**answer, "ResponseMetadata": {"HTTPHeaders": {"date": date}}}, expected_params={}
        )
        found = amazon.credentials(here, lambda: NOW)
    assert row(found, "credentials") == "✓ credentials: account …9012, as user/anna; from the environment"
    assert row(found, "clock").startswith(mark)
    with Stubber(here.aws.bedrock) as stub:
        granted = {"agreementAvailability": {"status": "NOT_AVAILABLE"}, "authorizationStatus": "AUTHORIZED"}
        granted |= {"modelId": "m", "entitlementAvailability": "AVAILABLE", "regionAvailability": "AVAILABLE"}
        stub.add_response("get_foundation_model_availability", granted)
        access = amazon._access(here, "amazon.nova-2-5-sonic")
    assert row([access], "model access").startswith(
        "✗ model access: this AWS account has no access to the model (missing: agreement) → request access"
    )


def test_a_check_that_hangs_does_not_hold_up_the_others() -> None:
    """A check that hangs, as on a slow resolver, does not delay the others."""

    def hang() -> list[Finding]:
        time.sleep(3600)
        return []

    found = make([Check("slow", hang), Check("quick", lambda: [good("quick", "there")])], 0.3)
    assert [str(one.mark) for one in found] == ["✗", "✓"]
    assert found[0].found == "no answer within 0 s"


@pytest.mark.thorough
async def test_the_command_writes_rows_or_json_and_an_exit_code(
    twilio: TwilioExchange, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command exits with 1 while a problem remains and changes nothing without consent.

    After a fix it checks everything again.
    """
    page = tmp_path / "services/webrtc-agent/src/webrtc_agent/static/index.html"
    page.parent.mkdir(parents=True)
    page.write_text("")
    (tmp_path / ".run").mkdir()
    (tmp_path / ".run/run.json").write_text("{}")
    async with agent(403) as url:
        monkeypatch.setenv("WEATHER", "standin")
        for name, value in surroundings(twilio, PUBLIC_BASE_URL=url).environment.items():
            monkeypatch.setenv(name, value)
        assert await asyncio.to_thread(doctor.work, command.options(["--json"]), None, tmp_path) == 1
        report = json.loads(capsys.readouterr().out)
        wrong = [one["check"] for one in report["checks"] if one["mark"] == "✗"]
        assert (report["ok"], wrong) == (False, ["number …4567"])
        shown = io.StringIO()
        assert await asyncio.to_thread(doctor.work, command.options(["--fix"]), Screen(shown), tmp_path) == 1
        assert "not applied: pass --yes to confirm" in shown.getvalue()
        assert await asyncio.to_thread(doctor.work, command.options(["--fix", "--yes"]), Screen(shown), tmp_path) == 0
        assert "Nothing prevents a call." in shown.getvalue()
        assert SETTINGS.auth_token not in shown.getvalue()


def test_the_ports_are_those_of_the_command() -> None:
    """Doctor, which does not import the stand-ins, uses the same ports as the command."""
    ports = Ports()
    assert list(machine.PORTS.values()) == [
        ports.edge,
        ports.phone,
        ports.web,
        ports.nova,
        ports.nova_control,
        ports.twilio,
        ports.weather,
        ports.daily,
    ]
