"""Candidates as browsers send them: usable ones are tried, others are ignored, and none causes a rejection."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webrtc_agent.candidates import MAX_CANDIDATES, MAX_HOSTS, Candidates, MalformedCandidate, read
from webrtc_agent.offer import check_offer
from webrtc_agent.request_schemas import Candidate

WAY = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 00:11\r\n"
KINDS = ("audio", "video", "video", "application")
ADDRESSES = [f"192.168.{net}.2" for net in range(6)] + ["10.8.0.2", "2001:db8::2", "2001:db8::3"]


def udp(host: str, port: int = 40_000, kind: str = "host") -> str:
    """Return a candidate as Chromium writes it."""
    return f"candidate:842163049 1 udp 1677729535 {host} {port} typ {kind} generation 0 ufrag abcd network-cost 999"


def tcp(host: str) -> str:
    """Return a TCP candidate as Chromium writes it."""
    return f"candidate:842163050 1 tcp 1518280447 {host} 9 typ host tcptype active generation 0 ufrag abcd"


def offer(*media: list[str], bundle: bool = True, end: str = "") -> str:
    """Return an offer with these candidates for audio, camera, screen and messages."""
    text = "v=0\r\na=group:BUNDLE 0 1 2 3\r\n" if bundle else "v=0\r\n"
    for mid, (kind, candidates) in enumerate(zip(KINDS, media, strict=False)):
        lines = "".join(f"a={candidate}\r\n" for candidate in candidates)
        text += f"m={kind} 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:{mid}\r\n{WAY}{lines}{end}"
    return text


def tried(sdp: str) -> list[str]:
    """Return the hosts that an offer's connection tries at once."""
    return [line.split()[4] for line in sdp.splitlines() if line.startswith("a=candidate:")]


def a_laptop(port: int = 40_000) -> list[str]:
    """Return the candidates of one medium on a laptop with nine addresses."""
    return [udp(host, port) for host in ADDRESSES] + [tcp(host) for host in ADDRESSES]


def test_a_laptop_with_nine_addresses_may_offer_all_of_them() -> None:
    """A laptop with nine addresses may offer 72 candidates: nine of them belong to the one transport of a bundle."""
    sdp = offer(*(a_laptop(40_000 + 10 * medium) for medium in range(4)), end="a=end-of-candidates\r\n")
    assert sdp.count("a=candidate:") == 72
    kept, names = Candidates().of_offer(sdp)
    check_offer(kept)
    assert (tried(kept), names) == (ADDRESSES, [])
    assert "end-of-candidates" not in kept
    without = [line for line in sdp.splitlines() if not line.startswith(("a=candidate:", "a=end"))]
    assert [line for line in kept.splitlines() if not line.startswith("a=candidate:")] == without


def test_a_machine_with_thirty_networks_is_let_in_too() -> None:
    """Only candidates that are tried count against the bound, so networks of containers do no harm."""
    hosts = [f"172.{16 + number}.0.1" for number in range(30)]
    of_one = [udp(host, 40_000) for host in hosts] + [tcp(host) for host in hosts]
    kept, _ = Candidates().of_offer(offer(*[of_one] * 4))
    check_offer(kept)
    assert tried(kept) == hosts


def test_addresses_that_come_last_have_a_chance() -> None:
    """However many local addresses a machine lists, the addresses of its NAT and of a relay have room."""
    many = [udp(f"10.0.{number}.1") for number in range(100)]
    others = [udp("198.51.100.7", 50_000, "srflx"), udp("203.0.113.9", 60_000, "relay")]
    kept, _ = Candidates().of_offer(offer([*many, *others]))
    assert tried(kept) == [f"10.0.{number}.1" for number in range(MAX_HOSTS)] + ["198.51.100.7", "203.0.113.9"]
    relays = [udp("203.0.113.9", port, "relay") for port in range(1000, 1100)]
    assert len(tried(Candidates().of_offer(offer(relays))[0])) == MAX_CANDIDATES


def test_the_count_goes_on_with_what_follows_and_twice_is_once() -> None:
    """Later surplus is ignored, and so is a repetition of the offer's candidates."""
    candidates = Candidates()
    candidates.of_offer(offer(a_laptop()))
    later = [Candidate(candidate=one, sdp_mid="0", sdp_mline_index=0) for one in a_laptop()]
    assert candidates.further(later) == []
    more = [Candidate(candidate=udp(f"10.0.{number}.1"), sdp_mid="0") for number in range(100)]
    assert len(candidates.further(more)) == MAX_HOSTS - len(ADDRESSES)
    relay = Candidate(candidate=udp("203.0.113.9", kind="relay"), sdp_mid="0")
    assert [one.host for one in candidates.further([relay])] == ["203.0.113.9"]


def test_what_firefox_sends_after_its_offer() -> None:
    """Five addresses, with UDP and TCP for each medium, an end mark for each, and one more address."""
    candidates = Candidates()
    candidates.of_offer(offer([], [], [], []))
    batch = [
        Candidate(candidate=one, sdp_mid=str(medium), sdp_mline_index=medium)
        for medium in range(4)
        for one in [*(udp(host, 40_000 + medium) for host in ADDRESSES[:5]), *map(tcp, ADDRESSES[:5]), ""]
    ]
    assert [one.host for one in candidates.further(batch)] == ADDRESSES[:5]
    late = Candidate(candidate=udp("198.51.100.7", kind="srflx"), sdp_mid="0", sdp_mline_index=0)
    assert [(one.host, one.mid, one.medium) for one in candidates.further([late])] == [("198.51.100.7", "0", 0)]


@pytest.mark.parametrize(
    "place", [{"sdp_mid": "0"}, {"sdp_mline_index": 0}, {}, {"sdp_mid": "0", "sdp_mline_index": 9}]
)
def test_either_name_of_a_medium_is_enough(place: dict[str, object]) -> None:
    """A candidate names its medium by name or number: the name wins, and without both it is the first medium."""
    candidates = Candidates()
    candidates.of_offer(offer([], []))
    [address] = candidates.further([Candidate.model_validate({"candidate": udp("10.0.0.1")} | place)])
    assert (address.mid, address.medium) == ("0", 0)


@pytest.mark.parametrize("place", [{"sdp_mid": "1"}, {"sdp_mline_index": 3}, {"sdp_mid": "9"}, {"sdp_mline_index": -1}])
def test_a_medium_without_a_transport_of_its_own_is_ignored(place: dict[str, object]) -> None:
    """Its candidates are ignored if it is bundled behind another medium, or not offered at all."""
    candidates = Candidates()
    candidates.of_offer(offer([], []))
    assert candidates.further([Candidate.model_validate({"candidate": udp("10.0.0.1")} | place)]) == []


def test_without_a_bundle_each_medium_has_its_own() -> None:
    """Without a bundle, as with older clients, each medium has a transport of its own."""
    kept, _ = Candidates().of_offer(offer([udp("10.0.0.1", 1000)], [udp("10.0.0.1", 1002)], bundle=False))
    assert tried(kept) == ["10.0.0.1", "10.0.0.1"]


def test_an_offer_without_candidates_is_left_as_it_is() -> None:
    """An offer without candidates is unchanged: they follow, or the client's packets reveal its address."""
    sdp = offer([], [])
    assert Candidates().of_offer(sdp) == (sdp, [])


def test_names_are_told_apart() -> None:
    """A browser without microphone access hides its addresses behind names, whose look-up must not delay an answer."""
    hidden = "2d3a8d36-7ad6-4a3c-9d61-6b1f0f6f3f0e.local"
    kept, [name] = Candidates().of_offer(offer([udp(hidden), udp("198.51.100.7", kind="srflx")]))
    assert tried(kept) == ["198.51.100.7"]
    assert (name.host, name.is_name, name.mid) == (hidden, True, "0")


@pytest.mark.parametrize(
    "text",
    [
        tcp("10.0.0.1"),
        udp("10.0.0.1").replace(" 1 udp", " 2 udp"),
        udp("10.0.0.1", 0),
        udp("10.0.0.1", 65_536),
        udp("0.0.0.0"),  # noqa: S104 - an address that no machine has
        udp("224.0.0.251"),
        udp("ff02::fb"),
        udp("fe80::1%eth0"),
        udp("example.com"),
        udp("a.b.local"),
        udp("10.0.0.1", kind="carrier-pigeon"),
    ],
)
def test_what_cannot_work_is_ignored(text: str) -> None:
    """A well-formed candidate is ignored if a server that speaks UDP with IP addresses cannot use it."""
    assert read(text) is None


def test_ipv6_alone_is_fine() -> None:
    """A mobile network may have only IPv6; upper case and Safari's extensions are accepted."""
    kept, _ = Candidates().of_offer(
        offer(["candidate:1 1 UDP 2113937151 2001:DB8::7 60769 typ host generation 0 network-id 1 network-cost 50"])
    )
    assert [ip_address(host) for host in tried(kept)] == [ip_address("2001:db8::7")]


@pytest.mark.parametrize(
    "text",
    [
        "garbage",
        "candidate:1 1 udp 1 10.0.0.1 9",
        "candidate:1 1 udp 1 10.0.0.1 9 as host",
        "candidate:1 1 udp -1 10.0.0.1 9 typ host",
        f"candidate:1 1 udp {'9' * 400} 10.0.0.1 9 typ host",
        "candidate:1 1 udp \u0661 10.0.0.1 9 typ host",
    ],
)
def test_what_is_no_candidate_is_an_error_when_it_comes_alone(text: str) -> None:
    """In an offer it is ignored, as RFC 8839 requires, and the rest of the offer is answered."""
    with pytest.raises(MalformedCandidate):
        read(text)
    assert tried(Candidates().of_offer(offer([text, udp("10.0.0.1")]))[0]) == ["10.0.0.1"]


@given(
    st.lists(st.sampled_from([*a_laptop(), "garbage", udp("a.local"), udp("10.0.0.1", kind="relay")])), st.booleans()
)
def test_no_mixture_is_refused_or_too_much(of_one: list[str], bundle: bool) -> None:  # noqa: FBT001 - hypothesis sets it
    """Any list of a browser, in any order and number, is accepted within the bounds."""
    kept, names = Candidates().of_offer(offer(*[of_one] * 4, bundle=bundle))
    check_offer(kept)
    assert len(tried(kept)) + len(names) <= MAX_CANDIDATES
