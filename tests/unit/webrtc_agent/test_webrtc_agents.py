"""A visitor talks with the agent that their page names, until the end of the conversation."""

import pytest

from tests.support.given_agents import given
from tests.unit.webrtc_agent.conftest import Desk, FakeRooms, MakeClient

KNOWN = "There is no agent of that name here. The agents are: restaurant, weather."


def agent_of(desk: Desk, session_id: str) -> str:
    """Return the agent of a visit."""
    return desk.web_service.registry.find(session_id).agent_id


@pytest.mark.parametrize(
    ("body", "agent"),
    [
        ({}, "weather"),
        ({"agent": "restaurant"}, "restaurant"),
        ({"agent": "weather"}, "weather"),
        ({"body": {"agent": "restaurant"}}, "restaurant"),
        ({"agent": "weather", "body": {"agent": "restaurant"}}, "weather"),
        ({"body": {"agent": "Mozilla/5.0 (X11)"}}, "weather"),
        ({"body": {"agent": 7}}, "weather"),
    ],
)
async def test_a_start_chooses_the_agent(make_desk: MakeClient, body: dict[str, object], agent: str) -> None:
    """A start's own field, or its body for apps that can set nothing else; other uses of the word do not count."""
    desk = make_desk(agents=given())
    for path in ("/start", "/connect"):
        answer = await desk.http.post(path, json=body)
        assert agent_of(desk, answer.headers["X-Session-Id"]) == agent
    rooms = make_desk(FakeRooms(), agents=given())
    answer = await rooms.http.post("/start", json=body)
    assert agent_of(rooms, answer.headers["X-Session-Id"]) == agent


@pytest.mark.parametrize("path", ["/start", "/connect", "/api/offer"])
async def test_an_unknown_agent_is_refused_by_name(make_desk: MakeClient, path: str) -> None:
    """The answer lists the agents that exist; nothing is counted or kept."""
    desk = make_desk(agents=given(), rate_limit_starts_per_minute_per_address=1)
    body = {"agent": "nobody"} | ({"sdp": "v=0", "type": "offer"} if path == "/api/offer" else {})
    for _ in range(3):
        answer = await desk.http.post(path, json=body)
        assert (answer.status_code, answer.json()["info"]) == (422, KNOWN)
    assert (await desk.http.post("/start")).status_code == 200


async def test_a_room_of_dailys_own_page_has_an_agent(make_desk: MakeClient) -> None:
    """The link to Daily's page chooses the agent in its query."""
    desk = make_desk(FakeRooms(), agents=given())
    answer = await desk.http.get("/room?agent=restaurant")
    assert answer.status_code == 303
    (visit,) = desk.web_service.registry.running()
    assert visit.agent_id == "restaurant"
    assert (await desk.http.get("/room?agent=nobody")).status_code == 422


async def test_a_conversation_keeps_its_agent(make_desk: MakeClient) -> None:
    """A visitor who returns continues with the same agent, whatever their page names now, known or not."""
    desk = make_desk(agents=given())
    started = (await desk.http.post("/start", json={"agent": "restaurant", "resume": {}})).json()
    part = desk.web_service.registry.find(started["sessionId"]).part
    assert part is not None
    assert part.agent.id == "restaurant"
    desk.web_service.returns.keep(part)
    part.connected()
    for other in ("weather", "nobody"):
        resume = {"token": started["resume"]["token"], "attempt": "mine"}
        answer = await desk.http.post("/start", json={"agent": other, "resume": resume})
        assert answer.status_code == 200, answer.text
        assert answer.json()["resume"]["resumed"]
        assert agent_of(desk, answer.json()["sessionId"]) == "restaurant"
