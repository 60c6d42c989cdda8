"""The notice before a conversation follows from the settings, and the visitor's consent is recorded."""

import time

import pytest

from agent_core.agents import folder
from agent_core.agents.agent import Agent
from agent_core.agents.folder import FolderContext
from agent_core.errors import ConfigurationError
from agent_core.sentences import Sentences
from tests.support.given_agents import WEATHER, given, made
from tests.unit.webrtc_agent.conftest import FakeRooms, MakeClient
from tools.workspace import ROOT
from webrtc_agent.notice import Notice
from webrtc_agent.settings import WebSettings

STANDINS = {"aws_endpoint_url_bedrock_runtime": "https://127.0.0.1:1"}
HERE = {
    "OPEN_METEO_FORECAST_URL": "http://localhost:1/forecast",
    "OPEN_METEO_GEOCODING_URL": "http://[::1]:1/search",
}


def words(variables: dict[str, str] | None = None, **settings: object) -> str:
    """Read the whole notice of a service with the weather agent."""
    read = WebSettings.model_validate(settings)
    weather = folder.read(ROOT / "agents/weather", FolderContext(read, variables or {}))
    shown = Notice.of(read, weather).shown
    return " ".join([shown["summary"], *(row["text"] for row in shown["details"])])


def test_on_a_laptop_nothing_leaves_the_machine() -> None:
    """With stand-ins, the notice says that everything stays on this machine, and names no company."""
    said = words(HERE, **STANDINS)
    assert said.startswith("What you say is processed on this computer and is not recorded.")
    assert "by a stand-in for the speech model" in said
    assert "looked up on this computer" in said
    assert "The operator of this page has not given a name." in said
    for company in ("Amazon", "Daily", "Open-Meteo", "AWS"):
        assert company not in said


def test_with_accounts_each_company_and_place_is_named() -> None:
    """With accounts, the notice names each company and place, the second region and the relay included."""
    said = words(
        aws_region="eu-north-1",
        nova_sonic_overflow_region="us-east-1",
        model_streams=20,
        nova_sonic_model_id="amazon.nova-2-sonic-v1:0",
        daily_api_key="key",
        operator_name="Bob's Bakery",
        log_retention_days=30,
    )
    assert "processed by Amazon in Stockholm, Sweden or Virginia, USA and is not recorded" in said
    assert "Daily (daily.co)" in said
    assert "sent to Open-Meteo" in said
    assert "Bob's Bakery" in said
    assert "for 30 days" in said
    relayed = words(ice_servers=[{"urls": "turn:relay.example.com:3478?transport=tcp", "credential": "secret"}])
    assert "by relay.example.com" in relayed
    assert "secret" not in relayed


def test_a_log_with_transcripts_is_admitted() -> None:
    """At DEBUG the log has the transcript, so the notice does not call the conversation unrecorded."""
    assert "not recorded" not in words(log_level="DEBUG")
    assert "written to the service's log as text" in words(log_level="DEBUG")
    assert "for a day" in words(log_level="DEBUG", log_retention_days=1)


async def test_each_agent_says_what_its_tools_do(make_desk: MakeClient) -> None:
    """An agent's notice names the recipients of its folder only, in a version of its own that a start must name."""
    bookings = {"title": "Bookings", "text": "Your name is sent to ${service}.", "service": "Booker"}
    entry = bookings | {"hosts": "booker.example", "urls": ["BOOKER_URL"]}
    restaurant = made("restaurant", name="Bella Cucina", notice=[entry])
    desk = make_desk(agents=given(WEATHER, restaurant), notice="consent")
    plain, other = [(await desk.http.get(path)).json() for path in ("/notice", "/notice?agent=restaurant")]
    assert "Bookings" not in str(plain)
    assert "Bookings" in [row["title"] for row in other["details"]]
    for version, status in ((plain["version"], 428), (other["version"], 200)):
        start = await desk.http.post("/start", json={"agent": "restaurant", "consent": version})
        assert start.status_code == status


CASES: list[dict[str, object]] = [
    {**STANDINS},
    {"aws_endpoint_url_bedrock_runtime": "https://model:1"},
    {"aws_endpoint_url_bedrock_runtime": "https://model.example.com"},
    {"nova_sonic_overflow_region": "us-east-1", "aws_region": "eu-north-1", "model_streams": 20},
    {"daily_api_key": "key"},
    {"daily_api_key": "key", "daily_api_url": "http://127.0.0.1:1"},
    {"ice_servers": [{"urls": "turn:relay.example.com:3478"}, {"urls": "turn:other.example.com:3478"}]},
    {"log_retention_days": 1, "call_store": "file:calls", "comment_retention_days": 1},
    {"log_retention_days": 30, "call_store": "file:calls", "comment_retention_days": 30},
    {"privacy_url": "https://a.example", "terms_url": "https://b.example", "contact_url": "https://c.example"},
]
"""Settings that each change a sentence of the notice."""


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
@pytest.mark.parametrize("settings", CASES, ids=lambda settings: next(iter(settings)))
@pytest.mark.parametrize("language", ["de-DE", "es-US", "fr-FR", "hi-IN", "it-IT", "pt-BR"])
def test_the_notice_is_in_the_language_of_the_agent(language: str, settings: dict[str, object], level: str) -> None:
    """No sentence and no title is the English one, and no placeholder is left, whatever the settings are."""
    read = WebSettings.model_validate(settings | {"log_level": level})
    agent, other = [Agent("a", "0" * 12, WEATHER.file, sentences=Sentences.of(one)) for one in (language, "en-US")]
    mine, english = Notice.of(read, agent).shown, Notice.of(read, other).shown
    assert mine["version"] != english["version"]
    # Related languages share single words, such as Contact.
    assert [one["url"] for one in mine["links"]] == [one["url"] for one in english["links"]]
    pairs = [(mine["summary"], english["summary"])]
    for row, theirs in zip(mine["details"], english["details"], strict=True):
        pairs += [(row["title"], theirs["title"]), (row["text"], theirs["text"])]
    for said, theirs in pairs:
        assert said != theirs
        assert "$" not in said
    for name in ("model.example.com", "relay.example.com", "other.example.com", "eu-north-1"):
        assert (name in str(mine)) is (name in str(english))


def test_another_word_is_another_version() -> None:
    """The record says what was read; the same settings give every task the same version."""
    versions = [Notice.of(WebSettings.model_validate(one), WEATHER).version for one in ({}, {}, {"operator_name": "A"})]
    assert versions[0] == versions[1] != versions[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PRIVACY_URL", "javascript:alert(1)"),
        ("PRIVACY_URL", "http://example.com"),
        ("TERMS_URL", "https://example.com/" + "a" * 300),
        ("CONTACT_URL", "mailto:a@example.com"),
        ("OPERATOR_NAME", "a\nb"),
        ("OPERATOR_NAME", "a" * 81),
        ("OPERATOR_PHONE", "0701234567"),
        ("OPERATOR_PHONE", "tel:+46701234567;x"),
        ("NOTICE", "none"),
        ("LOG_RETENTION_DAYS", "0"),
    ],
)
def test_what_a_page_must_not_show_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A text that a page must not show is rejected at start, with the setting's name."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        WebSettings.read()


async def test_the_page_gets_links_and_number(make_desk: MakeClient) -> None:
    """The page gets links and number as configured."""
    desk = make_desk(privacy_url="https://example.com/privacy", operator_phone="+46850000000")
    answer = await desk.http.get("/notice")
    assert answer.headers["cache-control"] == "no-cache"
    shown = answer.json()
    assert shown["links"] == [{"title": "Privacy", "url": "https://example.com/privacy"}]
    assert (shown["phone"], shown["mode"], shown["operator"]) == ("+46850000000", "notice", None)


async def test_nothing_starts_before_the_visitor_agrees(make_desk: MakeClient) -> None:
    """No route starts a session without consent, or with another version, and no start is counted."""
    desk = make_desk(notice="consent", rate_limit_starts_per_minute_per_address=2)
    version = (await desk.http.get("/notice")).json()["version"]
    for path, body in (
        ("/start", {}),
        ("/connect", {"consent": "other"}),
        ("/api/offer", {"sdp": "v=0", "type": "offer"}),
    ):
        refused = await desk.http.post(path, json=body)
        assert (refused.status_code, refused.json()["consent"]) == (428, True)
        assert "agree" in refused.json()["info"]
    assert (await desk.http.post("/start", json={"consent": version})).status_code == 200
    assert (await desk.http.post("/connect", json={"consent": version})).status_code == 200
    rooms = make_desk(FakeRooms(), notice="consent")
    assert (await rooms.http.get("/room")).status_code == 428
    assert (
        await rooms.http.get("/room", params={"consent": (await rooms.web_service.notice()).version})
    ).status_code == 303


async def test_what_was_agreed_to_reaches_the_conversation(make_desk: MakeClient) -> None:
    """The end record has version and time of the consent; a client without a notice leaves none."""
    rooms = FakeRooms(comes=False)
    desk = make_desk(rooms, arrivals_per_address=3)
    version = (await desk.web_service.notice()).version
    for consent in ({"consent": version}, {}, {"consent": "of another version"}):
        assert (await desk.http.post("/start", json=consent)).status_code == 200
    agreed, *others = (web_session.consent for web_session in rooms.registry)
    assert agreed is not None
    assert agreed.version == version
    assert abs(agreed.at - time.time()) < 60
    assert others == [None, None]
