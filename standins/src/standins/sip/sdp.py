"""SDP descriptions: µ-law at 8 kHz, 20 ms per packet (RFC 4566, RFC 3551)."""

from typing import Final

from standins.sip.message import MalformedSipError, SipMessage
from standins.sip.rtp import EVENTS

TYPE: Final = "application/sdp"


def describe(host: str, port: int, session: int) -> bytes:
    """Return an offer or an answer that sends and receives at an address."""
    family = "IP6" if ":" in host else "IP4"
    rows = (
        "v=0",
        f"o=- {session} {session} IN {family} {host}",
        "s=call",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0 {EVENTS}",
        "a=rtpmap:0 PCMU/8000",
        f"a=rtpmap:{EVENTS} telephone-event/8000",
        f"a=fmtp:{EVENTS} 0-15",
        "a=ptime:20",
        "a=sendrecv",
    )
    return "".join(f"{row}\r\n" for row in rows).encode()


def where_to_send(message: SipMessage) -> tuple[str, int]:
    """Return the peer's address for audio.

    Raises:
        MalformedSipError: It does not offer µ-law.
    """
    host, port = "", 0
    for row in message.body.decode(errors="replace").splitlines():
        if row.startswith("c=IN "):
            host = row.split(" ")[2]
        # The first audio line counts.
        elif row.startswith("m=audio ") and port == 0:
            _, number, _, *formats = row.split(" ")
            port = int(number) if "0" in formats and number.isdecimal() else 0
    if not host or not port:
        reason = "no µ-law offered"
        raise MalformedSipError(reason)
    return host, port
