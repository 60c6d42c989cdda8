"""What an offer must contain, and that an invalid one leaves nothing behind."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing.targets.offers import SEEDS
from tests.support.waiting import until
from webrtc_agent.connection import answer
from webrtc_agent.errors import MalformedOffer
from webrtc_agent.offer import check_offer
from webrtc_agent.request_schemas import OfferRequest

WAY = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 00:11\r\n"
SOUND = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
PICTURE = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
CANDIDATE = "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n"


@pytest.mark.parametrize(
    ("sdp", "reason"),
    [
        ("", "no_sound"),
        ("v=0\r\n" + WAY, "no_sound"),
        (PICTURE + SOUND + WAY, "no_sound"),
        (SOUND + WAY + PICTURE * 8, "too_many_media"),
        (SOUND + WAY + "b=AS:1\r\n" * 5000, "too_long"),
        (SOUND, "no_way_to_connect"),
        (SOUND + WAY.replace("abcd\r", "\r", 1), "no_way_to_connect"),
        (SOUND + WAY + "a=max-message-size:10\r\n", "too_short_messages"),
        (SOUND + WAY + "a=max-message-size:-1\r\n", "too_short_messages"),
        (SOUND + WAY + "a=max-message-size:a\r\n", "too_short_messages"),
        (SOUND + WAY + "".join(f"a=ssrc:{number} cname:a\r\n" for number in range(1000)), "too_many_attributes"),
        (SOUND + WAY + "a=rtpmap:96 a/1\r\n" * 900 + "a=rtcp-fb:* a\r\n" * 900, "too_many_attributes"),
        (SOUND + WAY + "a=rtpmap:96 a/1\r\n" * 900 + "a=fmtp:96 a=1\r\n" * 900, "too_many_attributes"),
    ],
)
def test_what_is_no_conversation_is_refused(sdp: str, reason: str) -> None:
    """An invalid offer is rejected before anything is made of it."""
    with pytest.raises(MalformedOffer) as refusal:
        check_offer(sdp)
    assert refusal.value.reason == reason


def test_an_offer_of_sound_passes() -> None:
    """A camera and a screen beside the audio are accepted, with the codecs and attributes that browsers send."""
    codecs = "a=rtpmap:96 VP8/90000\r\n" * 50 + "a=rtcp-fb:96 nack\r\n" * 100 + "a=fmtp:96 apt=97\r\n" * 40
    check_offer(SOUND + WAY + CANDIDATE * 10 + (PICTURE + codecs) * 2 + "a=ssrc:1 cname:a\r\n" * 16)
    check_offer(SOUND + WAY + "a=max-message-size:0\r\n")
    check_offer(SOUND + WAY + "a=max-message-size:65536\r\n")


@given(st.text())
def test_any_text_is_judged(sdp: str) -> None:
    """Any text gets a verdict, and raises no other error."""
    try:
        check_offer(sdp)
    except MalformedOffer:
        return
    pytest.fail("random text is no offer")


@pytest.mark.parametrize(
    "sdp",
    [
        *(
            "v=0\r\n" + SOUND + WAY + rest
            for rest in (
                "",
                "a=rtpmap:111\r\n",
                "a=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=setup:nonsense\r\n",
                "c=IN\r\n",
                "a=candidate:nonsense\r\n",
                "a=rtcp:nonsense\r\n",
                "a=ssrc:nonsense\r\n",
                "a=extmap:nonsense\r\n",
                "m=\r\n",
            )
        ),
        # Its bundle names another medium first: the audio has no transport yet, and aiortc cannot close it then.
        SEEDS[2].decode().replace("a=mid:0", "a=mid:1"),
    ],
)
async def test_garbage_that_looks_like_an_offer_leaves_no_task(sdp: str) -> None:
    """Whatever aiortc's parser raises, the client gets one error, and no task is left."""
    with pytest.raises(MalformedOffer):
        await answer(OfferRequest(sdp=sdp, type="offer"))
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()}, 1)
