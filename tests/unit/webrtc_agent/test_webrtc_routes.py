"""The routes that Pipecat's clients know, and their answers to all other clients."""

import asyncio

import pytest
from starlette.routing import Route

from agent_core.errors import UpstreamError
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.sentences import Sentences
from tests.unit.webrtc_agent.conftest import Desk, FakeRooms, MakeClient
from webrtc_agent import error_page
from webrtc_agent.app import create_app
from webrtc_agent.routes import router


async def test_a_page_learns_how_to_connect(make_desk: MakeClient) -> None:
    """A page learns how to connect, in the shape of Pipecat's runner."""
    assert (await make_desk().http.get("/status")).json() == {"status": "ready", "transports": ["webrtc"]}
    assert (await make_desk(FakeRooms()).http.get("/status")).json()["transports"] == ["daily"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" null\n",
        b"{}",
        b'{"transport": "webrtc", "enableDefaultIceServers": true, "body": {"anything": [1]}}',
        b'{"createDailyRoom": false, "transport": null}',
    ],
)
async def test_a_session_starts(make_desk: MakeClient, body: bytes) -> None:
    """Each known shape of the request starts a session; the answer always lists ICE servers with their addresses."""
    relay = {"username": "u", "credential": "c"}
    several = ["stun:a.example", "stun:b.example"]
    desk = make_desk(ice_servers=[relay | {"urls": "turn:relay.example:3478"}, {"urls": several}])
    answer = await desk.http.post("/start", content=body)
    assert answer.status_code == 200
    servers = [relay | {"urls": ["turn:relay.example:3478"]}, {"urls": several}]
    assert answer.json()["iceConfig"] == {"iceServers": servers}
    session_id = answer.json()["sessionId"]
    assert (await desk.http.get(f"/status/{session_id}")).json() == {"bot_id": session_id, "status": "running"}
    assert desk.agent.admission.taken == 0  # the offer takes the slot


@pytest.mark.parametrize(
    ("base_url", "origin", "address"),
    [
        ("https://talk.example.com", None, "https://talk.example.com"),
        ("https://talk.example.com", "https://partner.example", "https://talk.example.com"),
        ("http://127.0.0.1:7860", "http://localhost:7860", "http://localhost:7860"),
    ],
)
async def test_a_client_of_before_sessions_is_given_an_address(
    make_desk: MakeClient, base_url: str, origin: str | None, address: str
) -> None:
    """The answer has only the address, by which the page detects it: the transports 1.2 and 1.3 raise at other keys."""
    desk = make_desk(public_base_url=base_url, allowed_origins=["https://partner.example"])
    headers = {"host": "127.0.0.1"} | ({} if origin is None else {"origin": origin})
    answer = (await desk.http.post("/connect", headers=headers)).json()
    assert list(answer) == ["webrtcUrl"]
    base, _, path = answer["webrtcUrl"].partition("/sessions/")
    assert base == address
    session_id, _, rest = path.partition("/")
    assert rest == "api/offer"
    assert (await desk.http.get(f"/status/{session_id}", headers=headers)).json()["status"] == "running"


@pytest.mark.parametrize("path", ["/start", "/connect"])
async def test_an_offer_is_no_start(make_desk: MakeClient, path: str) -> None:
    """Transports from 1.7 on post it to the start route repeatedly; that does not count as a start."""
    desk = make_desk(rate_limit_starts_per_minute_per_address=1)
    for _ in range(4):
        refused = await desk.http.post(path, json={"sdp": "v=0", "type": "offer", "pc_id": None, "restart_pc": True})
        assert refused.status_code == 400
        assert "offer" in refused.json()["info"]
    assert (await desk.http.post(path)).status_code == 200


async def test_what_an_app_says_about_its_visitor_goes_with_the_visit(make_desk: MakeClient) -> None:
    """Details up to 2 KB are accepted; more is rejected with a sentence, and is not a start."""
    body = {"name": "Ada", "basket": [1, 2.5]}
    desk = make_desk(rate_limit_starts_per_minute_per_address=1)
    refused = await desk.http.post("/start", json={"body": {"name": "x" * 2048}})
    assert refused.status_code == 413
    assert "2048 bytes" in refused.json()["info"]
    answer = (await desk.http.post("/start", json={"body": body})).json()
    assert desk.web_service.registry.find(answer["sessionId"]).details == '{"name":"Ada","basket":[1,2.5]}'
    rooms = FakeRooms()
    await make_desk(rooms).http.post("/start", json={"body": body})
    assert rooms.details == ['{"name":"Ada","basket":[1,2.5]}']


@pytest.mark.parametrize(
    "start", [{"locale": "en-US"}, {"body": {"locale": "en_US"}}, {"locale": "US", "body": {"locale": "en-US"}}]
)
async def test_the_region_of_the_locale_goes_with_the_visit(make_desk: MakeClient, start: dict[str, object]) -> None:
    """The page sends the locale; an app that cannot set a field of its own puts it into the body."""
    desk = make_desk()
    answer = (await desk.http.post("/start", json=start)).json()
    rooms = FakeRooms()
    await make_desk(rooms).http.post("/start", json=start)
    assert [desk.web_service.registry.find(answer["sessionId"]).region, *rooms.regions] == ["US", "US"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"transport": "daily"}',
        b'{"createDailyRoom": true}',
        *(b'{"transport": "%b"}' % name for name in (b"websocket", b"twilio", b"livekit", b"moq", b"anything")),
    ],
)
async def test_what_is_not_offered_is_refused(make_desk: MakeClient, body: bytes) -> None:
    """A request for what is not offered gets a sentence, not another kind of session."""
    answer = await make_desk().http.post("/start", content=body)
    assert answer.status_code == 400
    assert "does not offer the transport" in answer.json()["info"]


async def test_daily_in_the_current_shape_and_the_old(make_desk: MakeClient) -> None:
    """The answer has only room and token, or clients 1.2 and 1.3 raise; the agent's own token stays in the service."""
    desk = make_desk(FakeRooms())
    current = await desk.http.post("/start", json={"createDailyRoom": True})
    assert current.json() == {"dailyRoom": "https://talk.daily.co/room", "dailyToken": "visitor-token"}
    old = await desk.http.post("/connect")
    assert old.json() == {"room_url": "https://talk.daily.co/room", "token": "visitor-token"}
    for answer in (current, old):
        session_id = answer.headers["x-session-id"]
        assert (await desk.http.get(f"/status/{session_id}")).json()["bot_id"] == session_id


@pytest.mark.parametrize(("asked", "given"), [(7.2, "8"), (None, "5")])
async def test_daily_that_fails_is_told(make_desk: MakeClient, asked: float | None, given: str) -> None:
    """The slot is released, the retry time is Daily's own if there is one, and the text does not name Daily."""
    rooms = FakeRooms()
    rooms.failure = UpstreamError("daily", "throttled", retry_after=asked)
    desk = make_desk(rooms)
    answer = await desk.http.post("/start")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, given)
    assert answer.json()["info"].endswith(".")
    assert "daily" not in answer.text.lower()
    assert desk.agent.admission.taken == 0


async def test_rooms_made_are_rooms_deleted(make_desk: MakeClient) -> None:
    """Every room is deleted, also if requests come at once and most are rejected; a rejection is not a start."""
    rooms = FakeRooms()
    desk = make_desk(rooms, rate_limit_starts_per_minute_per_address=5)
    for opened in (2, 4, 5, 5):  # two may be connecting at a time, five may start in a minute
        await asyncio.gather(*(desk.http.post("/connect") for _ in range(100)))
        await asyncio.sleep(0.01)
        assert len(rooms.opened) == len(rooms.deleted) == opened


async def test_no_more_rooms_are_made_than_visitors_may_be_on_their_way(make_desk: MakeClient) -> None:
    """However many addresses request rooms, none takes a slot before its visitor has joined."""
    rooms = FakeRooms(comes=False)
    desk = make_desk(rooms, max_sessions=5)
    for number in range(9):
        desk.come_from(f"198.51.{number}.1")
        await desk.http.post("/start")
    assert len(rooms.opened) == 5
    assert desk.agent.admission.taken == 0
    desk.come_from("198.51.0.1")
    assert (await desk.http.post("/start")).json()["info"].startswith("Others of your network")


async def test_room_redirects_to_daily(make_desk: MakeClient) -> None:
    """People may want Daily's own page, but an image on another site cannot create rooms."""
    rooms = FakeRooms()
    desk = make_desk(rooms)
    answer = await desk.http.get("/room")
    assert (answer.status_code, answer.headers["location"]) == (303, "https://talk.daily.co/room?t=visitor-token")
    sneaky = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}
    assert (await desk.http.get("/room", headers=sneaky)).status_code == 403
    link = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}
    assert (await desk.http.get("/room", headers=link)).status_code == 303
    assert len(rooms.opened) == 2
    assert (await make_desk().http.get("/room")).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/start"),
        ("POST", "/connect"),
        ("POST", "/api/offer"),
        ("PATCH", "/api/offer"),
        ("POST", "/sessions/x/api/offer"),
        ("PATCH", "/sessions/x/api/offer"),
    ],
)
async def test_pages_of_other_sites_are_refused(make_desk: MakeClient, method: str, path: str) -> None:
    """Pages of other sites are rejected, and no answer allows another origin."""
    desk = make_desk()
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}):
        answer = await desk.http.request(method, path, headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    preflight = {"origin": "https://evil.example", "access-control-request-method": method}
    answer = await desk.http.options(path, headers=preflight)
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


async def test_our_own_page_is_not_refused(make_desk: MakeClient) -> None:
    """A page that the operator named is accepted, too."""
    desk = make_desk(allowed_origins=["https://partner.example"])
    for origin in ("https://talk.example.com", "https://partner.example"):
        assert (await desk.http.post("/start", headers={"origin": origin})).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/start", b"no JSON", 400),
        ("/start", b"[]", 400),
        ("/start", b'{"transport": 5}', 400),
        ("/start", b'{"body": "' + b"x" * 17_000 + b'"}', 413),
        ("/api/offer", b"", 400),
        ("/api/offer", b'{"sdp": "v=0", "type": "answer"}', 400),
        ("/api/offer", b'{"sdp": 5, "type": "offer"}', 400),
        ("/api/offer", b'{"sdp": "' + b"x" * 66_000 + b'", "type": "offer"}', 400),
        ("/api/offer", b'{"sdp": "' + b"x" * 83_000 + b'", "type": "offer"}', 413),
        ("/api/offer", b'{"sdp": "v=0", "type": "offer"}', 400),
        ("/api/offer", b'{"sdp": "v=0", "type": "offer", "pc_id": "unknown"}', 404),
        ("/sessions/unknown/api/offer", b'{"sdp": "v=0", "type": "offer"}', 404),
        ("/sessions/unknown/api/offer", b"{", 400),
    ],
)
async def test_what_no_client_sends_is_refused(make_desk: MakeClient, path: str, body: bytes, status: int) -> None:
    """The sentence is in the three places where clients look for one, and no slot is taken."""
    desk = make_desk()
    answer = await desk.http.post(path, content=body)
    assert answer.status_code == status
    refusal = answer.json()
    assert refusal["error"] == refusal["info"] == refusal["detail"]
    assert refusal["info"].endswith(".")
    assert desk.agent.admission.taken == 0


async def test_a_full_or_leaving_service_says_so(make_desk: MakeClient) -> None:
    """The answer is 429 or 503 with a retry time and a reason; only a draining task answers with a server error."""
    desk = make_desk(max_sessions=1)
    slot = desk.agent.admission.admit()
    full = await desk.http.post("/start")
    assert (full.status_code, full.headers["retry-after"]) == (429, "5")
    assert (full.json()["info"], full.json()["busy"]) == (
        "All our lines are busy. Please try again in 5 seconds.",
        True,
    )
    assert (await desk.http.get("/ready")).status_code == 429
    slot.release()
    desk.agent.admission.start_draining()
    leaving = await desk.http.post("/start")
    assert (leaving.status_code, leaving.json()["busy"]) == (503, True)
    assert (await desk.http.get("/ready")).status_code == 503
    assert leaving.json()["info"] == full.json()["info"]


async def test_a_service_that_has_spent_its_day_says_so(make_desk: MakeClient) -> None:
    """Once the daily budget is spent, no session starts until tomorrow, and the page says so."""
    desk = make_desk(daily_budget_usd=0.5, speech_output_usd_per_1k_tokens=1.0)
    _spend(desk, speech_output_tokens=400)
    assert (await desk.http.post("/start")).status_code == 200
    _spend(desk, speech_output_tokens=100)
    refused = await desk.http.post("/start")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 86_400  # midnight
    assert ("tomorrow" in refused.json()["info"], refused.json().get("busy"), refused.json()["closed"]) == (
        True,
        None,
        True,
    )
    assert (await desk.http.get("/ready")).json()["status"] == "over_budget"
    assert (await desk.http.get("/health")).status_code == 200


def _spend(desk: Desk, *, speech_output_tokens: int) -> None:
    stats = SessionStats(speech_output_tokens=speech_output_tokens)
    desk.agent.keep(CallDetailRecord("session", "browser", EndReason.CALLER_HUNG_UP, 0.0, 1000, stats))


@pytest.mark.parametrize(
    "path", ["/nothing", "/docs", "/openapi.json", "/status/unknown", "/assets/none.js", "/assets/../app.py"]
)
async def test_what_is_not_there(make_desk: MakeClient, path: str) -> None:
    """An unknown path gets a 404 in the shape of every other error."""
    answer = await make_desk().http.get(path)
    assert answer.status_code == 404
    assert answer.json()["info"].endswith(".")


_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def test_a_person_gets_an_error_as_a_page(make_desk: MakeClient) -> None:
    """The page has a link back and no script; a program that requests the same address gets JSON."""
    http = make_desk().http
    page = await http.get("/nosuch", headers={"Accept": _BROWSER})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no page at this address" in page.text
    assert '<a href="/">' in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    for accepted in ("*/*", "application/json"):
        answer = await http.get("/nosuch", headers={"Accept": accepted})
        assert (answer.status_code, answer.json()["error"]) == (404, "Not Found.")
        assert answer.headers["vary"] == page.headers["vary"] == "Accept"
    posted = await http.post("/nosuch", headers={"Accept": _BROWSER})
    assert posted.json()["error"] == "Not Found."


async def test_an_error_page_shows_no_markup_of_others() -> None:
    """An error page shows any sentence as text."""
    assert "<b>" not in error_page.render(404, "<b>bold</b>", Sentences.of())


@pytest.mark.parametrize("path", ["/", "/start", "/status", "/health", "/nothing"])
async def test_every_answer_protects_its_page(make_desk: MakeClient, path: str) -> None:
    """The headers forbid scripts of others, frames around the page, and the microphone for others."""
    headers = (await make_desk().http.get(path)).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["script-src"] == policy["connect-src"] == policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["permissions-policy"].startswith("microphone=(self)")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_only_daily_opens_the_policy(make_desk: MakeClient) -> None:
    """Only Daily's hosts are added, each of its names; evaluating text stays forbidden."""
    header = (await make_desk(FakeRooms()).http.get("/status")).headers["content-security-policy"]
    policy = dict(part.split(" ", 1) for part in header.split("; "))
    names = ("daily.co", "dailywebrtc.com", "dailywebrtc.net")
    scripts = {f"https://*.{name}" for name in names}
    assert set(policy["script-src"].split()) == {"'self'", "blob:"} | scripts
    assert set(policy["connect-src"].split()) == {"'self'"} | scripts | {f"wss://*.{name}" for name in names}


async def test_a_defect_is_not_shown(make_desk: MakeClient) -> None:
    """A defect is not shown: a trace reveals more than a visitor should know."""
    rooms = FakeRooms()
    rooms.opened = None  # type: ignore[assignment]
    answer = await make_desk(rooms).http.post("/start")
    assert answer.status_code == 500
    assert answer.json()["info"] == "Sorry, something went wrong on our side."


async def test_only_allowed_origins_are_told_that_they_may(make_desk: MakeClient) -> None:
    """A browser sends a preflight request from another site; by default no origin is allowed."""
    asking = {"Origin": "https://partner.example", "Access-Control-Request-Method": "POST"}
    header = "access-control-allow-origin"
    closed = await make_desk().http.options("/start", headers=asking)
    assert header not in closed.headers
    opened = make_desk(allowed_origins="https://partner.example")
    assert (await opened.http.options("/start", headers=asking)).headers[header] == "https://partner.example"
    stranger = await opened.http.options("/start", headers=asking | {"Origin": "https://evil.example"})
    assert header not in stranger.headers


async def test_whatever_is_only_read_has_a_head(make_desk: MakeClient) -> None:
    """Each GET route answers HEAD alike, except the one that creates a room, which costs money."""
    desk = make_desk(serve_console=True)
    session_id = (await desk.http.post("/start")).json()["sessionId"]
    routes = [route for route in (*router.routes, *create_app(desk.web_service).routes) if isinstance(route, Route)]
    methods = {route.path: route.methods or set() for route in routes if "GET" in (route.methods or ())}
    assert [path for path, known in methods.items() if "HEAD" not in known] == ["/room"]
    paths = {path.format(session_id=session_id, name="none.js", agent="agent") for path in methods if path != "/room"}
    files = {"/favicon.svg", "/maskable.svg", "/manifest.webmanifest", "/plain.css", "/recover.js"}
    pages = {"/", "/a/agent", "/assets/none.js", "/console", "/offline", "/worker.js"} | files
    assert paths == pages | {"/health", "/ready", "/status", f"/status/{session_id}", "/notice"}
    for path in paths:
        whole, head = await desk.http.get(path), await desk.http.head(path)
        assert (head.status_code, head.headers["content-type"]) == (whole.status_code, whole.headers["content-type"])
    assert (await desk.http.head("/room")).status_code == 405


@pytest.mark.parametrize("path", ["/start", "/connect"])
async def test_a_visitor_for_whom_no_stream_is_left_is_told_when_to_come_again(
    make_desk: MakeClient, path: str
) -> None:
    """The answer has the words for a full service, which the page shows as such."""
    desk = make_desk(model_streams=2)
    desk.agent.admission.admit()
    refused = await desk.http.post(path)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "15")
    assert refused.json()["info"] == "All our lines are busy. Please try again in 15 seconds."
    assert refused.json()["busy"] is True
