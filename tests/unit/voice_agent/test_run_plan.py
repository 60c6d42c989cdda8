"""`voice-agent run` decides for each system whether it is real, and reports it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.workspace import ROOT
from voice_agent.run.banner import banner, short
from voice_agent.run.options import read
from voice_agent.run.parts import MisconfiguredError, Ports, Program, Secrets, Wishes
from voice_agent.run.plan import Plan, make_plan, wants_weather_probe

SECRETS = Secrets("key", "secret", "AC" + "0" * 32, "token", "room-key")
AWS = {"AWS_ACCESS_KEY_ID": "AKIDREAL", "AWS_SECRET_ACCESS_KEY": "real", "AWS_REGION": "eu-north-1"}
TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "TWILIO_AUTH_TOKEN": "real",
    "PUBLIC_BASE_URL": "https://agent.example/",
}


def plan(
    environment: Mapping[str, str] | None = None, *, wishes: Wishes | None = None, live_weather: bool = False
) -> Plan:
    """Return the plan for a minimal environment."""
    base = {"PATH": "/bin", "PYTHONPATH": "src"}
    return make_plan(
        {**base, **(environment or {})}, wishes or Wishes(), SECRETS, Path("/x/.run"), live_weather=live_weather
    )


def real(made: Plan) -> dict[str, bool]:
    """Return the external systems that are real."""
    return {part.name: part.real for part in made.parts if part.name in ("speech", "telephone", "weather")}


def phone(made: Plan) -> Program:
    """Return the phone service."""
    return made.agents[0]


def web(made: Plan) -> Program:
    """Return the web service."""
    return made.agents[1]


def test_with_nothing_everything_is_a_standin() -> None:
    """Without any account all systems are stand-ins, and the agent gets their URLs."""
    made = plan()
    assert real(made) == {"speech": False, "telephone": False, "weather": False}
    assert [program.name for program in made.standins] == ["nova", "twilio", "weather", "person", "desk"]
    assert phone(made).environment == {
        "PATH": "/bin",
        "PYTHONPATH": "src",
        "ENVIRONMENT": "local",
        "HOST": "127.0.0.1",
        "FAST_API_PORT": "7861",
        "PUBLIC_BASE_URL": "http://127.0.0.1:7860",
        "FORWARDED_ALLOW_IPS": "127.0.0.1",
        "DRAIN_SECONDS": "10",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://localhost:8443",
        "NOVA_SONIC_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "SSL_CERT_FILE": "/x/.run/nova-certs/bundle.pem",
        "TWILIO_ACCOUNT_SID": SECRETS.account_sid,
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_API_BASE_URL": "http://127.0.0.1:8445",
        "TWILIO_API_SID": "",
        "TWILIO_API_SECRET": "",
        "OPEN_METEO_FORECAST_URL": "http://127.0.0.1:8446/v1/forecast",
        "OPEN_METEO_GEOCODING_URL": "http://127.0.0.1:8446/v1/search",
        "TRANSFER_DESTINATIONS": "reception=sip:person@127.0.0.1:8448",
        "TRANSFER_ACCEPT": "key",
        "FALLBACK_DESTINATION": "sip:person@127.0.0.1:8448",
        "CALLBACK_NUMBER": "+15005550001",
        "BOOKING_DESK_URL": "http://127.0.0.1:8449/mcp",
        "TOOL_PRIVATE_HOSTS": "127.0.0.1:8449",
        "CALL_STORE": "file:/x/.run/calls",
        "AGENTS_DIR": str(ROOT / "agents"),
    }
    names = ("nova", "twilio", "weather", "person", "desk", "phone-agent", "webrtc-agent", "edge")
    assert made.state["logs"] == {name: f".run/{name}.jsonl" for name in names}


def test_the_web_service_shares_all_but_the_telephone() -> None:
    """The web service shares model and weather, has its own port and gets no secret of Twilio."""
    given, of_phone = web(plan(TWILIO)).environment, phone(plan()).environment
    assert not [name for name in given if name.startswith("TWILIO_")]
    assert (given["FAST_API_PORT"], given["PUBLIC_BASE_URL"]) == ("7862", "https://agent.example")
    same = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "SSL_CERT_FILE", "OPEN_METEO_FORECAST_URL", "AWS_ACCESS_KEY_ID")
    assert {name: given[name] for name in same} == {name: of_phone[name] for name in same}


def test_the_page_opens_on_this_machine_whatever_its_public_address() -> None:
    """The page opens on localhost also if its public URL is a tunnel for Twilio."""
    assert "localhost:7860" in web(plan(TWILIO)).environment["ALLOWED_ORIGINS"]
    assert web(plan(TWILIO | {"ALLOWED_ORIGINS": "[]"})).environment["ALLOWED_ORIGINS"] == "[]"
    assert "ALLOWED_ORIGINS" not in web(plan()).environment


def test_the_edge_knows_where_both_services_are_and_no_secret() -> None:
    """The edge knows both services and no secret, and is ready when the page is."""
    edge = plan(AWS | TWILIO).edge
    targets = ("--target", "PhoneTargetGroup=127.0.0.1:7861", "--target", "WebTargetGroup=127.0.0.1:7862")
    assert edge.arguments == ("--port", "7860", *targets)
    assert edge.health == "http://127.0.0.1:7860/health"
    assert "real" not in edge.environment.values()


@pytest.mark.parametrize(
    ("environment", "wishes", "what"),
    [
        ({}, Wishes(), "sound from browser to machine"),
        ({"DAILY_API_KEY": "real"}, Wishes(), "Daily"),
        ({"DAILY_API_KEY": "real", "TRANSPORT": "webrtc"}, Wishes(), "sound from browser to machine"),
        ({"DAILY_API_KEY": "real"}, Wishes(daily="standin"), "stand-in for Daily: rooms, but no sound in them"),
    ],
)
def test_daily_is_used_with_a_key_and_pretended_only_when_asked_for(
    environment: dict[str, str], wishes: Wishes, what: str
) -> None:
    """A key selects Daily and an option its stand-in, which has no audio; the phone service gets no key."""
    made = plan(environment, wishes=wishes)
    assert [part.what for part in made.parts if part.name == "visitors"] == [what]
    assert ("daily" in [program.name for program in made.standins]) == (wishes.daily == "standin")
    assert "DAILY_API_KEY" not in phone(made).environment
    if wishes.daily == "standin":
        assert web(made).environment["DAILY_API_KEY"] == "room-key"
        assert web(made).environment["DAILY_API_URL"] == "http://127.0.0.1:8447/v1"


def test_real_keys_replace_the_speech_standin_only() -> None:
    """AWS credentials select Bedrock, and only the stand-in for speech is replaced."""
    made = plan(AWS)
    assert real(made) == {"speech": True, "telephone": False, "weather": False}
    assert AWS.items() <= phone(made).environment.items()
    assert "AWS_ENDPOINT_URL_BEDROCK_RUNTIME" not in phone(made).environment
    assert "SSL_CERT_FILE" not in phone(made).environment
    assert (
        next(part.url for part in made.parts if part.name == "speech")
        == "https://bedrock-runtime.eu-north-1.amazonaws.com"
    )


def test_a_profile_alone_costs_nothing() -> None:
    """A profile alone does not select Bedrock; only an option does."""
    assert real(plan({"AWS_PROFILE": "work"}))["speech"] is False
    assert "AWS_PROFILE" not in phone(plan({"AWS_PROFILE": "work"})).environment
    asked = plan({"AWS_PROFILE": "work"}, wishes=Wishes(nova="bedrock"))
    assert real(asked)["speech"] is True
    assert phone(asked).environment["AWS_PROFILE"] == "work"


def test_a_standin_can_be_asked_for_in_spite_of_keys() -> None:
    """`--nova standin` wins over real keys and does not receive them."""
    made = plan({"AWS_SESSION_TOKEN": "real"} | AWS, wishes=Wishes(nova="standin"))
    assert phone(made).environment["AWS_ACCESS_KEY_ID"] == "key"
    assert "AWS_SESSION_TOKEN" not in phone(made).environment
    assert phone(made).environment["AWS_REGION"] == "eu-north-1"


def test_own_endpoints_are_left_alone() -> None:
    """An endpoint that the user sets is not replaced."""
    made = plan(
        {
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://nova:8443",
            "OPEN_METEO_FORECAST_URL": "http://meteo/v1/forecast",
        }
    )
    assert [program.name for program in made.standins] == ["twilio", "person", "desk"]
    assert phone(made).environment["OPEN_METEO_FORECAST_URL"] == "http://meteo/v1/forecast"


def test_real_twilio_needs_an_address_it_can_reach() -> None:
    """Real Twilio needs a public URL, because a wrong one would make every signature invalid."""
    made = plan(TWILIO)
    assert real(made) == {"speech": False, "telephone": True, "weather": False}
    assert made.base_url == phone(made).environment["PUBLIC_BASE_URL"] == "https://agent.example"
    with pytest.raises(MisconfiguredError, match="PUBLIC_BASE_URL"):
        plan(TWILIO | {"PUBLIC_BASE_URL": "http://127.0.0.1:7860"})


@pytest.mark.parametrize(
    "name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]
)
def test_half_a_credential_is_an_error(name: str) -> None:
    """Half of a credential is an error and does not select the stand-in."""
    with pytest.raises(MisconfiguredError, match=f"{name} is set without"):
        plan({name: "x"})


def test_live_weather_when_it_answers() -> None:
    """The live weather service is used if it answers, unless the stand-in is selected."""
    assert plan(live_weather=True).state["weather"] == {
        "forecast_url": "https://api.open-meteo.com/v1/forecast",
        "geocoding_url": "https://geocoding-api.open-meteo.com/v1/search",
        "live": True,
    }
    assert real(plan(live_weather=True, wishes=Wishes(weather="standin")))["weather"] is False
    assert wants_weather_probe({}, Wishes())
    assert not wants_weather_probe({}, Wishes(weather="standin"))


def test_a_key_of_a_weather_customer_is_for_the_live_service_only() -> None:
    """A weather key selects the live service, and a stand-in never gets it."""
    customer = {"OPEN_METEO_API_KEY": "key"}
    assert not wants_weather_probe(customer, Wishes())
    made = plan(customer)
    assert real(made)["weather"] is True
    assert phone(made).environment["OPEN_METEO_API_KEY"] == "key"
    assert all("OPEN_METEO_API_KEY" not in program.environment for program in made.standins)
    beside = plan(customer, wishes=Wishes(weather="standin"))
    assert phone(beside).environment["OPEN_METEO_API_KEY"] == ""
    assert all("OPEN_METEO_API_KEY" not in program.environment for program in beside.standins)


def test_standins_do_not_get_real_secrets() -> None:
    """Stand-ins get no real secrets."""
    for program in plan({"DAILY_API_KEY": "real"} | AWS, wishes=Wishes(nova="standin")).standins:
        assert "real" not in program.environment.values()


def test_ports_reach_everything() -> None:
    """Another port changes the program, its health check and the agent's setting together."""
    made = plan(wishes=Wishes(Ports(edge=6, phone=1, nova=2, nova_control=3, twilio=4, weather=5, person=7, desk=8)))
    nova, twilio, weather, person, desk = made.standins
    assert (desk.arguments, desk.health) == (("--port", "8"), "http://127.0.0.1:8/health")
    assert (nova.ports, nova.health) == ((2, 3), "http://127.0.0.1:3/health")
    assert nova.arguments[:4] == ("--port", "2", "--control-port", "3")
    assert (twilio.arguments, weather.health) == (("--port", "4"), "http://127.0.0.1:5/health")
    assert phone(made).environment["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] == "https://localhost:2"
    assert (phone(made).ports, phone(made).health) == ((1,), "http://127.0.0.1:1/health")
    assert made.base_url == "http://127.0.0.1:6"
    assert (person.arguments, person.health) == (("--port", "7"), "http://127.0.0.1:7/health")
    assert phone(made).environment["TRANSFER_DESTINATIONS"] == "reception=sip:person@127.0.0.1:7"


@pytest.mark.parametrize("given", [{"TRANSFER_DESTINATIONS": "sales=tel:+46850000000"}, TWILIO])
def test_a_person_on_this_machine_only_where_they_can_be_called(given: Mapping[str, str]) -> None:
    """Configured people are used; the local telephone only if Twilio's stand-in can call it."""
    made = plan(given)
    assert "person" not in [program.name for program in made.standins]
    assert phone(made).environment.get("TRANSFER_DESTINATIONS") == given.get("TRANSFER_DESTINATIONS")
    assert "FALLBACK_DESTINATION" not in phone(made).environment


def test_the_standin_for_the_model_plays_the_agents_of_the_product(tmp_path: Path) -> None:
    """The stand-in reads the same folder as the services, and a local language model if one is named."""
    made = plan({"AGENTS_DIR": str(tmp_path)}, wishes=read(["--brain", "http://127.0.0.1:1/v1"], {}).wishes)
    arguments = made.standins[0].arguments
    assert arguments[arguments.index("--agents") + 1] == phone(made).environment["AGENTS_DIR"] == str(tmp_path)
    assert arguments[arguments.index("--brain") + 1] == "http://127.0.0.1:1/v1"
    assert "--brain" not in plan().standins[0].arguments


def test_wishes_and_ports_are_different_options() -> None:
    """`--weather` and `--weather-port` are separate options, and variables set their defaults."""
    said = ["--weather", "standin", "--weather-port", "5", "--nova-port", "2", "--daily", "standin", "--port", "6"]
    wishes = read(said, {"NOVA": "bedrock", "PHONE_PORT": "1"}).wishes
    assert (wishes.nova, wishes.weather, wishes.daily) == ("bedrock", "standin", "standin")
    assert wishes.ports == Ports(edge=6, phone=1, nova=2, weather=5)
    assert read([], {}).wishes == Wishes()


def test_a_port_of_zero_is_a_free_one() -> None:
    """A port of zero is a free one, so that several systems can run at once."""
    ports = read(["--port", "0", "--web-port", "0"], {}).wishes.ports
    assert 0 not in (ports.edge, ports.web)
    assert ports.edge != ports.web


def test_banner_says_which_is_which_and_what_to_try() -> None:
    """The banner says which systems are stand-ins and what to try."""
    text = banner(plan(AWS))
    table = [" ".join(line.split()) for line in text.splitlines()]
    assert "speech Amazon Nova Sonic https://bedrock-runtime.eu-north-1.amazonaws.com" in table
    assert "telephone stand-in for Twilio http://127.0.0.1:8445" in table
    assert "edge stand-in for the load balancer http://127.0.0.1:7860" in table
    assert "open http://localhost:7860 and talk" in table
    assert 'make call SAY="what is the weather in Stockholm"' in text


def test_banner_with_a_real_number_names_the_webhook() -> None:
    """With real Twilio the banner names the webhook instead of `make call`."""
    text = banner(plan(TWILIO))
    assert "https://agent.example/incoming-call" in text
    assert "make call" not in text


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            '{"event": "call_started", "timestamp": "2026-11-23T14:15:16Z", "level": "info", "call_sid": "CA1"}',
            "phone-agent call_started call_sid=CA1",
        ),
        (
            '{"event": "tool_failed", "level": "warning", "ms": 12.3456789}',
            "phone-agent WARNING tool_failed ms=12.3457",
        ),
        ('{"event": "x", "long": "' + "y" * 100 + '"}', f"phone-agent x long={'y' * 59}…"),
        (
            '{"event": "call_ended", "call_sid": "CAb6fa19cb498c1a301178e40e31a4b823", "tools": {}, "ok": false}',
            "phone-agent call_ended call_sid=CAb6fa19… ok=false",
        ),
        ("Traceback (most recent call last):", "phone-agent Traceback (most recent call last):"),
        ("[1, 2]", "phone-agent [1, 2]"),
        ('{"no": "event"}', "phone-agent  no=event"),
    ],
)
def test_log_lines_are_made_short(line: str, shown: str) -> None:
    """A JSON log line is shortened for a person, and another line is unchanged."""
    assert short("phone-agent", line)[9:] == shown


@pytest.mark.parametrize(
    ("stamp", "shown"),
    [("1763907316", "14:15:16"), ('"2025-11-23T14:15:16.5Z"', "14:15:16")],
)
def test_log_lines_keep_their_own_time(stamp: str, shown: str) -> None:
    """A log line keeps its own time, in this machine's time zone."""
    assert short("nova", f'{{"event": "x", "at": {stamp}}}')[2:8] == shown[2:]


def test_seconds_since_the_start_of_a_call_are_no_time_of_day() -> None:
    """A line with seconds since the start of a call shows the current time instead."""
    assert not short("twilio", '{"event": "x", "at": 3661.0}').startswith("01:01:01")


def test_the_desk_of_the_operator_is_used_and_no_stand_in_started() -> None:
    """Its URL is the agent's setting, and no private address is allowed for it."""
    made = plan({"BOOKING_DESK_URL": "https://desk.example.com/mcp", "BOOKING_DESK_TOKEN": "secret"})
    assert "desk" not in [program.name for program in made.standins]
    assert phone(made).environment["BOOKING_DESK_URL"] == "https://desk.example.com/mcp"
    assert "TOOL_PRIVATE_HOSTS" not in phone(made).environment
    assert not [one for one in made.standins if "BOOKING_DESK_TOKEN" in one.environment]


def test_agents_that_name_no_desk_start_none(tmp_path: Path) -> None:
    """A folder with other agents starts as fast as before."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "agent.yaml").write_text("name: Shop\n", encoding="utf-8")
    made = plan({"AGENTS_DIR": str(tmp_path)})
    assert "desk" not in [program.name for program in made.standins]
    assert "BOOKING_DESK_URL" not in phone(made).environment
    assert "desk" not in made.state


def test_private_hosts_of_the_operator_stay_allowed_beside_the_desk() -> None:
    """The stand-in is added to them."""
    environment = phone(plan({"TOOL_PRIVATE_HOSTS": "intranet:8080"})).environment
    assert environment["TOOL_PRIVATE_HOSTS"] == "intranet:8080,127.0.0.1:8449"
