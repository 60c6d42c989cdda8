"""`docker compose up`, and what a user then does: call, talk with the page, stop it."""

import re
import time

import aioice.ice
import httpx
import pytest
from aiortc import RTCSessionDescription

from standins.speech import VoiceService, contains, transcribe_answer
from tests.support.browser import RATE, find_chromium, running_chromium
from tests.support.containers import SERVICES, Composed
from tests.support.microphone import Microphone
from tests.support.page import VisitorPage
from tests.support.visitor import Json, Visitor
from tests.support.waiting import until

QUESTION = "what is the weather in Stockholm"
GREETING_SECONDS = 25.0
ALL = (*SERVICES, "edge", "nova", "twilio", "person", "weather", "desk", "guide")


class Outsider(Visitor):
    """A visitor who can reach only this machine."""

    async def join(self, path: str, offer: Json | None = None) -> None:
        """Connect with this machine's candidates in the answer."""
        answer = (await self.http.post(path, json=offer or await self.offer())).raise_for_status().json()
        lines = answer["sdp"].splitlines(keepends=True)
        known = [line for line in lines if not line.startswith("a=candidate:") or " 127.0.0.1 " in line]
        assert len(known) < len(lines), "the answer names no address of the container's own"
        await self._peer.setRemoteDescription(RTCSessionDescription("".join(known), answer["type"]))
        await until(lambda: self._channel.readyState == "open", 8)


def test_all_is_healthy_and_says_where_to_go(product: Composed) -> None:
    """Two services, their stand-ins and one edge are healthy; page and telephone are behind the edge."""
    assert httpx.get(f"{product.base_url}/health").json() == {"status": "healthy"}
    assert httpx.get(f"{product.base_url}/incoming-call").status_code == 403  # the signature is missing
    assert "<div id=" in httpx.get(product.base_url).text
    guide = product.ask("logs", "--no-log-prefix", "guide")
    assert f"http://localhost:{product.base_url.rpartition(':')[2]}" in guide
    assert "make call" in guide


@pytest.mark.parametrize("service", ALL)
def test_a_container_is_closed(product: Composed, service: str) -> None:
    """Each container runs with the restrictions that the engine reports, not just those of the file."""
    described = product.container(service)
    host = described["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert described["Config"]["User"].startswith("1000")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_knows_no_secret_of_the_other(product: Composed, service: str) -> None:
    """No service has a secret of the other one."""
    environment = dict(line.partition("=")[::2] for line in product.container(service)["Config"]["Env"])
    other = ("DAILY_API_KEY",) if service == "phone-agent" else ("TWILIO_AUTH_TOKEN", "TWILIO_API_SECRET")
    assert [environment[name] for name in other if environment.get(name)] == []


def test_a_caller_hears_the_weather(product: Composed) -> None:
    """A caller hears the weather through containers only, without any setting that says where they run."""
    code, call, complaints = product.call("--say", QUESTION, "--expect-tool", "get_current_weather").result()
    assert code == 0, (call.get("failures"), complaints)
    [use] = call["model"]["tools"]
    assert use["input"]["location"] == "Stockholm"
    assert contains(call["transcripts"][-1], str(use["result"]["temperature"])), call["transcripts"]
    assert contains(call["transcripts"][-1], "Stockholm")


def test_a_caller_is_put_through(product: Composed) -> None:
    """Key 0 reaches a person, whose telephone is on the containers' network, too."""
    code, call, complaints = product.call("--dtmf", "0").result()
    assert code == 0, (call.get("failures"), complaints)
    assert "person" in " ".join(filter(None, call["transcripts"])), call["transcripts"]


@pytest.mark.asyncio
async def test_a_visitor_talks_with_the_page(product: Composed, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A visitor asks by voice in a real browser, and the received audio has the reply."""
    program = find_chromium()
    if program is None:
        pytest.skip("this test needs Chromium: apt-get install chromium, or set CHROMIUM")
    microphone = Microphone(tmp_path_factory.mktemp("microphone") / "speech.wav", VoiceService())
    await microphone.will_say(GREETING_SECONDS, QUESTION)
    async with running_chromium(program, microphone) as chromium, chromium.visit(product.base_url) as visit:
        page = VisitorPage(visit)
        await page.talk()
        await page.greeted()
        await page.agent_has_said(re.compile("degrees?.* in Stockholm"))
        sound, complaints = await visit.recording(), visit.complaints
        await page.press("End the conversation")
        await page.does("Ended")
    assert contains(transcribe_answer(sound[:, 1].tobytes(), RATE), "Stockholm")
    assert complaints == []


@pytest.mark.asyncio
async def test_sound_finds_its_way_where_a_container_cannot_be_reached(
    product: Composed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Audio uses only the published ports where containers have no reachable address, as in Docker Desktop."""
    # Loopback is its only address, so it reaches nothing else, and nothing else reaches it.
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    async with Outsider(product.base_url) as visitor:
        await visitor.connect()
        await visitor.until("bot-started-speaking", seconds=15)
        await visitor.until_sound(sounding=True, seconds=15)


def test_stopping_lets_a_call_end_by_itself(product: Composed) -> None:
    """`docker compose stop` during a call lets the agent answer the question, and kills no process."""
    call = product.call("--say", QUESTION)
    _wait_for_call(product)
    product.ask("stop", seconds=150)
    code, measured, complaints = call.result()
    assert measured["turns"], complaints
    assert contains(measured["transcripts"][-1], "Stockholm"), measured["transcripts"]
    records = [line for line in product.log("phone-agent") if line["event"] == "session_ended"]
    assert [one["reason"] for one in records if one["call_sid"] == measured["call_sid"]] == ["caller_hung_up"]
    states = {name: product.container(name)["State"] for name in ALL}
    ends = {name: (state["ExitCode"], state["OOMKilled"]) for name, state in states.items()}
    assert ends == dict.fromkeys(ALL, (0, False))
    assert code == 0, measured["failures"]


def _wait_for_call(product: Composed) -> None:
    before = len(_streams(product))
    deadline = time.monotonic() + 30
    while len(_streams(product)) <= before:
        assert time.monotonic() < deadline, "no call came"
        time.sleep(0.3)


def _streams(product: Composed) -> list[object]:
    return [line for line in product.log("phone-agent") if line["event"] == "model_session_started"]
