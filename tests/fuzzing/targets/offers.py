"""SDP offers: the product's check, then aiortc's parser; and, for fewer cases, a connection that is made and closed."""

import asyncio
import threading
from ipaddress import ip_address

from aiortc.sdp import SessionDescription

from tests.fuzzing.mutation import Mutator
from tests.fuzzing.target import Target
from webrtc_agent import connection, ice
from webrtc_agent.candidates import MAX_CANDIDATES, Candidates
from webrtc_agent.errors import MalformedOffer
from webrtc_agent.offer import check_offer
from webrtc_agent.request_schemas import MAX_SDP_BYTES, Candidate, OfferRequest

_END = b"\r\n"

_SESSION = """v=0
o=- 3861 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=extmap-allow-mixed
a=msid-semantic:WMS *"""
_WAY = """c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host generation 0 network-id 1
a=candidate:2 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active
a=candidate:3 1 udp 1686052607 192.0.2.7 50000 typ srflx raddr 127.0.0.1 rport 50000
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=ice-options:trickle
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass""".format(fingerprint=":".join(["AB"] * 32))
_SOUND = f"""m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110
{_WAY}
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:- 6e5
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:110 telephone-event/48000
a=ssrc-group:FID 1 2
a=ssrc:1 cname:abc
a=ssrc:1 msid:- 6e5"""
_PICTURE = f"""m=video 9 UDP/TLS/RTP/SAVPF 96 97
{_WAY}
a=mid:1
a=sendrecv
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96"""
_MESSAGES = f"""m=application 9 UDP/DTLS/SCTP webrtc-datachannel
{_WAY}
a=mid:2
a=sctp-port:5000
a=max-message-size:262144"""


def _offer(*parts: str) -> bytes:
    return "\n".join((_SESSION, *parts, "")).replace("\n", "\r\n").encode()


SEEDS = (
    _offer(_SOUND, _PICTURE, _MESSAGES),
    _offer(_SOUND, _MESSAGES),
    _offer(_SOUND),
    _offer(_MESSAGES),
    _offer(_SOUND, *[f"a=ssrc:{number} cname:a" for number in range(50)]),
    _offer(_SOUND, *["a=rtpmap:96 a/1"] * 40, *["a=rtcp-fb:* a"] * 40),
    _offer(_SOUND, *["a=rtpmap:96 a/1"] * 40, *["a=fmtp:96 a"] * 40),
    _offer(_SOUND, *[f"a=candidate:{number} 1 udp 1 127.0.0.1 9 typ host" for number in range(30)]),
)


class Offers(Target):
    """One case is the text of an offer."""

    name = "sdp"
    folders = ("/webrtc_agent/", "/aiortc/sdp.py")
    seeds = SEEDS

    def vary(self, case: bytes, mutator: Mutator) -> bytes:
        """Change lines, or bytes anywhere."""
        return mutator.damage(case) if mutator.one_in(4) else mutator.lines(case, _END)

    def run(self, case: bytes) -> None:
        """Check and parse it as an answer begins to; then parse each of its addresses as if it came later."""
        text, names = Candidates().of_offer(case.decode(errors="replace")[:MAX_SDP_BYTES])
        assert len(names) + text.count("a=candidate:") <= MAX_CANDIDATES
        try:
            check_offer(text)
        except MalformedOffer:
            return
        try:
            SessionDescription.parse(text)
        except Exception:  # noqa: BLE001 - the service reports every error of the parser as a malformed offer
            return


class Connections(Target):
    """The same offers, answered: sockets, keys and tasks are made for each, and all must be released afterwards."""

    name = "connections"
    folders = ("/webrtc_agent/", "/aiortc/", "/pipecat/transports/smallwebrtc/")
    share = 0.01
    seeds = SEEDS

    def __init__(self) -> None:
        ice.offer_only([ip_address("127.0.0.1")])
        self._runner = asyncio.Runner()
        self._threads = threading.active_count()

    def vary(self, case: bytes, mutator: Mutator) -> bytes:
        """Change one or two lines: the service can still answer most of the results."""
        lines = case.split(_END)
        at = mutator.random.randrange(len(lines))
        lines[at] = mutator.number(lines[at]) if mutator.one_in(2) else mutator.damage(lines[at])
        return _END.join(lines)

    def run(self, case: bytes) -> None:
        """Answer it, add an address and close it; no task is left."""
        self._runner.run(self._answer(case.decode(errors="replace")[:MAX_SDP_BYTES]))

    async def _answer(self, text: str) -> None:
        try:
            made = await connection.answer(OfferRequest(sdp=text, type="offer"))
        except MalformedOffer:
            pass
        else:
            candidates = [line[2:] for line in text.split("\r\n") if line.startswith("a=candidate")]
            await self._add(made, candidates[:1])
            await connection.close(made)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if left:
            await asyncio.wait(left, timeout=1.0)
        assert [task for task in left if not task.done()] == []

    async def _add(self, made: connection.AudioOnlyConnection, candidates: list[str]) -> None:
        for candidate in candidates:
            try:
                await connection.add(made, [Candidate(candidate=candidate[:1024], sdp_mid="0")])
            except MalformedOffer:
                continue

    def close(self) -> None:
        """Close the loop."""
        self._runner.close()
