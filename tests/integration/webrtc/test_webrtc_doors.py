"""What strangers may do to the web service: start sessions within limits, and use no resource otherwise."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from tests.integration.webrtc.conftest import Surroundings
from tests.support.visitor import Visitor
from tests.support.waiting import until
from tests.support.web_process import WebProcess
from webrtc_agent.peer_session import OFFERS

pytestmark = pytest.mark.asyncio(loop_scope="session")

type Someone = Callable[[], Visitor]


async def test_a_hundred_starts_meet_the_limit(surroundings: Surroundings) -> None:
    """One address, which may be an office's, gets fifteen starts a minute; the others get a time to retry."""
    async with surroundings.start_web("limited") as web:
        opened = surroundings.nova.ledger.streams_opened
        answers = await asyncio.gather(*(web.http.post("/connect") for _ in range(100)))
        assert sorted(answer.status_code for answer in answers) == [200] * 15 + [429] * 85
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.json()["info"] == refused.json()["detail"] == refused.json()["error"]
        offer = await web.http.post("/api/offer", json={"sdp": "v=0", "type": "offer"})
        assert offer.status_code == 429
        assert surroundings.nova.ledger.streams_opened == opened


async def test_a_full_service_says_so(surroundings: Surroundings) -> None:
    """A visitor beyond the last slot gets 429 with a reason, and gets a slot after another one leaves.

    A visitor who connects after the last slot is taken gets the same reason, though the offer was answered.
    """
    async with surroundings.start_web("full", MAX_SESSIONS="1") as web, Visitor(web.url) as second:
        async with Visitor(web.url) as first:
            await second.start()
            async with Visitor(web.url) as slow:
                answer = await slow.ask("/api/offer")
                await first.connect()
                await slow.accept(answer)
                message = await slow.until("server-message")
                assert message.data["message"].startswith("All our lines are busy")
                assert (await web.record(answer["sessionId"]))["reason"] == "never_connected"
            refused = await second.http.post("/start")
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) > 0
            assert "busy" in refused.json()["info"]
            late = await second.http.post(f"/sessions/{second.session_id}/api/offer", json=await second.offer())
            assert late.status_code == 429
            assert (await web.http.get("/ready")).status_code == 429
        await until(lambda: _is_empty(web))
        assert (await second.http.post("/start")).status_code == 200


async def _is_empty(web: WebProcess) -> bool:
    return await web.sessions() == 0


async def test_garbage_leaves_nothing(surroundings: Surroundings, web: WebProcess) -> None:
    """A malformed offer gets a response, but no slot, task or model stream."""
    opened = surroundings.nova.ledger.streams_opened
    for sdp in GARBAGE:
        answer = await web.http.post("/api/offer", json={"sdp": sdp, "type": "offer"})
        assert answer.status_code in (400, 413), sdp[:80]
        assert answer.json()["info"].endswith(".")
    assert await web.sessions() == 0
    assert surroundings.nova.ledger.streams_opened == opened
    assert web.lines("request_failed") == []


_HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
GARBAGE = [
    "",
    "garbage",
    "v=0",
    _HEAD,
    _HEAD + "m=audio",
    _HEAD + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111\r\n",
    _HEAD + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n",
    _HEAD + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 9,
    _HEAD + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" + "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n" * 60,
    "x" * 40_000,
    "x" * 90_000,
    "\r\n" * 10_000,
    "\x00" * 100,
]


async def test_a_second_tab_gets_its_own_session(web: WebProcess, visitor: Someone) -> None:
    """A second tab gets a new session and cannot join one that is in use."""
    async with visitor() as first, visitor() as second:
        await first.connect()
        await first.greeted()
        path = f"/sessions/{first.session_id}/api/offer"
        answer = await second.http.post(path, json=await second.offer())
        assert answer.status_code == 409
        assert "another window" in answer.json()["info"]
        assert (
            await second.http.post(path, json=await second.offer(pc_id="SmallWebRTCConnection#0-guess"))
        ).status_code == 409
        first.speak()
        await first.until("bot-stopped-speaking", 2)
        assert await web.sessions() == 1


async def test_offer_after_offer_is_refused(visitor: Someone) -> None:
    """The service limits the offers of one visitor, which cost shared CPU time; the conversation continues."""
    async with visitor() as somebody:
        await somebody.connect()
        await somebody.greeted()
        path, again = f"/sessions/{somebody.session_id}/api/offer", {"pc_id": somebody.pc_id, "type": "offer"}
        answers = [await somebody.http.post(path, json=again | {"sdp": "v=0"}) for _ in range(OFFERS + 2)]
        assert [answer.status_code for answer in answers] == [400] * OFFERS + [429] * 2
        assert int(answers[-1].headers["retry-after"]) > 0
        somebody.speak()
        await somebody.until("bot-stopped-speaking", 2)


async def test_a_direct_client_needs_no_start(web: WebProcess, visitor: Someone) -> None:
    """Older clients send an offer without a start, and their candidates later."""
    async with visitor() as somebody:
        await somebody.join("/api/offer")
        await somebody.greeted()
        candidate = {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdp_mid": "0", "sdp_mline_index": 0}
        body = {
            "pc_id": somebody.pc_id,
            "candidates": [candidate, {"candidate": "", "sdp_mid": "0", "sdp_mline_index": 0}],
        }
        assert (await web.http.patch("/api/offer", json=body)).json() == {"status": "success"}
        assert (await web.http.patch("/api/offer", json=body | {"pc_id": "other"})).status_code == 404
        garbage = body | {"candidates": [{"candidate": "garbage"}]}
        assert (await web.http.patch("/api/offer", json=garbage)).status_code == 400


async def test_a_head_has_no_body(web: WebProcess) -> None:
    """A response to HEAD has no body, which would corrupt the next response on a kept connection."""
    for path in ("/", "/console", "/favicon.svg", "/health", "/ready", "/status"):
        head, whole = await web.http.head(path), await web.http.get(path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]


async def test_a_laptop_with_many_networks_is_let_in(visitor: Someone) -> None:
    """The service accepts 72 candidates in the offer and in later requests, with end-of-candidates marks.

    The conversation continues.
    """
    surplus = "".join(
        f"a=candidate:{net}{mid} 1 {kind} {port} typ host generation 0\r\n"
        for net in range(1, 10)
        for mid in range(4)
        for kind, port in (("udp", f"2122260223 127.9.{net}.2 {40_000 + mid}"), ("tcp", f"1518280447 127.9.{net}.2 9"))
    )
    trickled = [{"candidate": line.removeprefix("a=")} for line in surplus.splitlines()]
    batch = [one | {"sdp_mid": "0", "sdp_mline_index": 0} for one in [*trickled, {"candidate": ""}]]
    async with visitor() as somebody:
        (await somebody.start()).raise_for_status()
        path, offer = f"/sessions/{somebody.session_id}/api/offer", await somebody.offer()
        await somebody.join(path, offer | {"sdp": offer["sdp"].replace("a=ice-ufrag:", surplus + "a=ice-ufrag:", 1)})
        for _ in range(2):
            answer = await somebody.http.patch(path, json={"pc_id": somebody.pc_id, "candidates": batch})
            assert answer.json() == {"status": "success"}
        await somebody.greeted()
        somebody.speak()
        await somebody.until("bot-stopped-speaking", 2)


@pytest.mark.thorough
async def test_ten_visitors_at_once(surroundings: Surroundings, visitor: Someone) -> None:
    """Each of ten simultaneous visitors gets a greeting and a reply, and the service releases everything."""
    async with AsyncExitStack() as stack:
        visitors = [await stack.enter_async_context(visitor()) for _ in range(10)]
        for somebody in visitors:
            await somebody.connect()
        await asyncio.gather(*(somebody.until("bot-stopped-speaking", seconds=20) for somebody in visitors))
        assert surroundings.nova.ledger.streams_open == 10
        for somebody in visitors:
            somebody.speak()
        await asyncio.gather(*(somebody.until("user-input", seconds=20) for somebody in visitors))
        await asyncio.gather(*(somebody.until("bot-stopped-speaking", 2, 20) for somebody in visitors))
        assert all(
            [message.data["text"] for message in somebody.of("user-input")] == ["turn 1"] for somebody in visitors
        )
