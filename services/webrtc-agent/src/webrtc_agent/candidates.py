"""Choose which of a client's ICE candidates are tried. No I/O. Useless or excess ones are ignored, never refused.

A laptop with nine addresses sends 72 candidates: for UDP and TCP, and for each of audio, camera, screen and messages.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final

from webrtc_agent.request_schemas import Candidate

MAX_READ: Final = 400
"""Most candidates of an offer that are examined; a laptop with nine addresses sends 72 in all."""
MAX_CANDIDATES: Final = 50
"""Most candidates of one connection that are tried."""
MAX_HOSTS: Final = 40
"""Most among them that are the client's own interfaces. Its NAT's and relays' addresses follow."""
_TYPES: Final = ("host", "srflx", "prflx", "relay")
_MDNS: Final = re.compile(r"[A-Za-z0-9-]{1,63}\.local")
_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_CANDIDATE: Final = "a=candidate:"
_END: Final = "a=end-of-candidates"


class MalformedCandidate(Exception):
    """The text breaks the grammar of RFC 8839, section 5.1."""


@dataclass(frozen=True)
class CandidateAddress:
    """One usable candidate.

    Args:
        foundation: Its group, see RFC 8445.
        priority: Its rank.
        host: An IP address, or an mDNS name.
        port: UDP.
        kind: host, srflx, prflx or relay.
        medium: Index of its ``m=`` line in the offer.
        mid: That medium's name.
    """

    foundation: str
    priority: int
    host: str
    port: int
    kind: str
    medium: int = 0
    mid: str = ""

    @property
    def is_name(self) -> bool:
        """Whether the host must be resolved."""
        return _MDNS.fullmatch(self.host) is not None

    def as_line(self) -> str:
        """Return it in SDP, without the extensions: aioice needs none of them."""
        return f"a=candidate:{self.foundation} 1 udp {self.priority} {self.host} {self.port} typ {self.kind}\r\n"


def read(text: str) -> CandidateAddress | None:
    """Parse a candidate; return None for one that cannot work here, such as TCP.

    Raises:
        MalformedCandidate: the text is not a candidate.
    """
    fields = text.removeprefix("candidate:").split(maxsplit=8)
    if len(fields) < 8 or fields[6] != "typ" or not all(_NUMBER.fullmatch(fields[at]) for at in (1, 3, 5)):  # noqa: PLR2004 - the RFC's
        raise MalformedCandidate
    foundation, component, protocol, priority, host, port, _, kind, *_ = fields
    # Component 2 is RTCP on a separate port, which WebRTC offers never use.
    can_work = component == "1" and protocol.lower() == "udp" and 0 < int(port) < 2**16 and kind in _TYPES
    if not can_work or not _is_reachable(host):
        return None
    return CandidateAddress(foundation[:32], int(priority), host, int(port), kind)


def _is_reachable(host: str) -> bool:
    if _MDNS.fullmatch(host):
        return True
    try:
        ip = ip_address(host)
    except ValueError:
        return False  # a DNS name, which RFC 8839 allows to be ignored
    return not (ip.is_multicast or ip.is_unspecified or "%" in host)


class Candidates:
    """Chooses among the candidates of one connection, both in the offer and after it.

    Only the first medium of a bundle has a transport (RFC 9143, section 7.2), so candidates of the others are useless.
    The end-of-candidates mark is ignored: requests overtake each other, and a connection has its own deadline.
    """

    def __init__(self) -> None:
        self._known: set[tuple[str, int]] = set()
        self._hosts = 0
        self._media: list[str] = [""]
        self._carrying: set[int] = {0}

    def of_offer(self, sdp: str) -> tuple[str, list[CandidateAddress]]:
        """Return an offer with only the candidates to try at once, and those whose names must be resolved."""
        lines = sdp.splitlines(keepends=True)
        self._read_media(lines)
        kept: list[str] = []
        names: list[CandidateAddress] = []
        medium, read_so_far = -1, 0
        for line in lines:
            medium += line.startswith("m=")
            if line.startswith(_CANDIDATE):
                # The bound is on what is parsed, not on what is kept: parsing is what costs.
                if medium not in self._carrying or read_so_far >= MAX_READ:
                    continue
                read_so_far += 1
                address = self._read(line.removeprefix("a="), medium)
                if address is not None and address.is_name:
                    names.append(address)
                elif address is not None:
                    kept.append(address.as_line())
            elif not line.startswith(_END):
                kept.append(line)
        return "".join(kept), names

    def further(self, candidates: Iterable[Candidate]) -> list[CandidateAddress]:
        """Return which of the candidates that follow an offer to try.

        Raises:
            MalformedCandidate: one is invalid; all others have been counted.
        """
        named = (candidate for candidate in candidates if candidate.candidate)
        chosen = [self._choose(read(candidate.candidate), self._medium(candidate)) for candidate in named]
        return [address for address in chosen if address is not None]

    def _read_media(self, lines: list[str]) -> None:
        """Determine which media of an offer have a transport of their own."""
        media: list[str] = []
        bundled: list[str] = []
        for line in lines:
            if line.startswith("m="):
                media.append("")
            elif line.startswith("a=mid:") and media:
                media[-1] = line.removeprefix("a=mid:").strip()
            elif line.startswith("a=group:BUNDLE") and not media:
                bundled = bundled or line.split()[1:]
        behind = set(bundled[1:])
        self._media = media or [""]
        self._carrying = {number for number, mid in enumerate(self._media) if mid not in behind}

    def _medium(self, candidate: Candidate) -> int:
        """Return the index of a candidate's medium; -1 if it was not offered."""
        if candidate.sdp_mid is not None:
            return self._media.index(candidate.sdp_mid) if candidate.sdp_mid in self._media else -1
        return candidate.sdp_mline_index or 0

    def _read(self, text: str, medium: int) -> CandidateAddress | None:
        """Parse and choose; an invalid candidate is ignored too."""
        try:
            return self._choose(read(text), medium)
        except MalformedCandidate:
            return None

    def _choose(self, address: CandidateAddress | None, medium: int) -> CandidateAddress | None:
        """Return an address to try, counted, or None for one that is useless, known, or excess."""
        if address is None or medium not in self._carrying:
            return None
        key = address.host.lower(), address.port
        is_host = address.kind == "host"
        if key in self._known or len(self._known) >= MAX_CANDIDATES or (is_host and self._hosts >= MAX_HOSTS):
            return None
        self._known.add(key)
        self._hosts += is_host
        return replace(address, medium=medium, mid=self._media[medium])
