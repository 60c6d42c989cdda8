"""Abuse a service until killed, as one visitor and from a few addresses: ``python -m tests.endurance.abuser URL``.

It is a process of its own, so that its processor time does not delay the listeners.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
from aiortc.rtcsctptransport import HeartbeatChunk, SackChunk
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpRtpfbPacket

from tests.support.visitor import Visitor

ADDRESSES = [f"127.0.0.{number}" for number in range(101, 107)]
_PAUSE = 1.0
"""Seconds to wait after a request was refused, or after an attack failed."""


async def abuse(url: str) -> None:
    """Run all attacks at once, each in a loop."""
    ways: list[Callable[[str], Awaitable[None]]] = [
        _talk_without_end,
        *(_ask_for_files,) * 4,
        _start,
        _offer,
        _write_much,
    ]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    async with asyncio.TaskGroup() as group:
        for way in ways:
            group.create_task(_again_and_again(way, url))


async def _again_and_again(way: Callable[[str], Awaitable[None]], url: str) -> None:
    while True:
        with suppress(Exception):
            await way(url)
        await asyncio.sleep(_PAUSE)


def _client(url: str, number: int = 0) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(local_address=ADDRESSES[number % len(ADDRESSES)])
    return httpx.AsyncClient(base_url=url, transport=transport, timeout=10)


async def _ask_for_files(url: str) -> None:
    """Request every file of the page, in the encoding that is most expensive to send."""
    async with _client(url) as http:
        paths = re.findall(r'"(/assets/[^"]+)"', (await http.get("/")).text)
        while paths:
            for path in paths:
                await http.get(path, headers={"accept-encoding": "identity"})


async def _start(url: str) -> None:
    """Start sessions from all addresses, and never connect to them."""
    for number in range(len(ADDRESSES)):
        async with _client(url, number) as http:
            for _ in range(10):
                await http.post("/start", json={"transport": "webrtc"})


async def _offer(url: str) -> None:
    """Send offers that never lead to a connection, and texts that are not offers."""
    for number in range(len(ADDRESSES)):
        async with _client(url, number) as http, Visitor(url) as somebody:
            offer = await somebody.offer()
            for _ in range(3):
                await http.post("/api/offer", json=offer)
                await http.post("/api/offer", json={"sdp": "v=0\r\n" * 5000, "type": "offer"})


async def _write_much(url: str) -> None:
    """Send bodies and headers of every size that the service reads."""
    async with _client(url, 1) as http:
        while True:
            await http.post("/start", content=b"x" * 15_000, headers={"x": "y" * 15_000})
            await http.patch("/api/offer", json={"pc_id": "x" * 1000, "candidates": [{"candidate": "x" * 1000}] * 30})


async def _talk_without_end(url: str) -> None:
    """Be a visitor who types and presses keys without a pause, and sends packets that are expensive to decode."""
    async with Visitor(url) as somebody:
        await somebody.connect()
        sender = somebody._peer.getTransceivers()[0].sender
        dtls: Any = sender.transport
        sctp: Any = somebody._channel.transport
        agent = next(iter(dtls._rtp_router.ssrc_table), 1)
        sack = SackChunk()
        sack.gaps = [(1, 65_535)] * 280
        nack = bytes(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=agent, lost=list(range(4000))))
        while somebody._channel.readyState == "open":
            somebody.say("send-text", {"content": "\U0001f600" * 1000})
            somebody.say("dtmf", {"buttons": ["1"] * 20})
            somebody.send_raw(json.dumps({"type": "x" * 15_000}))
            sack.cumulative_tsn = sctp._last_sacked_tsn + 1000
            for _ in range(10):
                await sctp._send_chunk(sack)
                await sctp._send_chunk(HeartbeatChunk())
                await dtls._send_rtp(nack[:1200])
                await dtls.transport._send(os.urandom(1200))
            path = f"/sessions/{somebody.session_id}/api/offer"
            await somebody.http.patch(path, json={"pc_id": somebody.pc_id, "candidates": []})
            await somebody.http.post(path, json={"sdp": "v=0", "type": "offer", "pc_id": somebody.pc_id})
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(abuse(sys.argv[1]))
