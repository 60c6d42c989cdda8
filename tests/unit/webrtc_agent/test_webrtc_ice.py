"""The addresses that an answer names for peer-to-peer audio."""

from ipaddress import ip_address

from aiortc.sdp import SessionDescription, candidate_from_sdp

from webrtc_agent import ice

OWN = "a=candidate:6815297761 1 udp 2130706431 172.18.0.5 40003 typ host\r\n"
ANSWER = (
    "v=0\r\no=- 3973 3973 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 40003 UDP/TLS/RTP/SAVPF 96\r\n"
    "c=IN IP4 172.18.0.5\r\na=rtpmap:96 opus/48000/2\r\na=setup:active\r\na=mid:0\r\n" + OWN + "a=end-of-candidates\r\n"
)


def test_a_container_s_answer_names_the_machine_around_it_too() -> None:
    """The published ports have the same numbers; the service's own addresses stay, and stay preferred."""
    answer = ice.advertise(ANSWER, [ip_address("127.0.0.1"), ip_address("192.0.2.7")])
    candidates = SessionDescription.parse(answer).media[0].ice_candidates
    assert [(each.ip, each.port, each.type) for each in candidates] == [
        ("172.18.0.5", 40003, "host"),
        ("127.0.0.1", 40003, "host"),
        ("192.0.2.7", 40003, "host"),
    ]
    priorities = [each.priority for each in candidates]
    assert priorities == sorted(priorities, reverse=True)
    assert len({(each.foundation, each.priority) for each in candidates}) == 3


def test_only_one_s_own_addresses_of_the_same_kind_are_copied() -> None:
    """A server-reflexive address has no published port, and an IPv4 address is not advertised for IPv6."""
    others = (
        "a=candidate:1 1 udp 1694498815 192.0.2.1 40003 typ srflx raddr 172.18.0.5 rport 40003\r\n"
        "a=candidate:2 1 udp 2130706175 fd00::5 40004 typ host\r\n"
    )
    answer = ice.advertise(ANSWER.replace(OWN, others), [ip_address("127.0.0.1")])
    assert answer == ANSWER.replace(OWN, others)


def test_nothing_advertised_changes_nothing() -> None:
    """Without an advertised address the answer is unchanged."""
    assert ice.advertise(ANSWER, []) == ANSWER
    assert candidate_from_sdp(OWN.strip().removeprefix("a=candidate:")).ip == "172.18.0.5"
