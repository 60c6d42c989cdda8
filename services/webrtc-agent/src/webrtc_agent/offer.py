"""What an offer must hold before anything is made of it, without I/O.

aiortc's parser is lenient: an empty text is an offer of nothing to it, and would hold a place until it times out.
"""

from webrtc_agent.errors import MalformedOffer

MAX_BYTES = 32 * 1024
"""Without the candidates that are not tried. A browser's offer with sound, camera and screen takes about 8 KB."""
MAX_MEDIA = 8
"""A browser offers sound, camera, screen and messages."""
MAX_SOURCES = 200
"""Lines about senders. aiortc looks for each among all before it: 2500 of them take it 150 ms."""
MAX_PAIRS = 20_000
"""Codecs times what is said about codecs, over all media: aiortc compares each with each, and 32 KB could become a
million objects. A browser's camera has about 50 codecs and 150 lines about them."""
MIN_MESSAGE_BYTES = 16 * 1024
"""Least that a client may say it takes in one message (RFC 8841, section 6): browsers take 64 KB and more. 0 is all."""
_MESSAGE_SIZE = "a=max-message-size:"
_ABOUT_CODECS = ("a=rtcp-fb:", "a=fmtp:")
_NEEDED = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:")
"""Each with a value: an empty one is as good as none."""


def check_offer(sdp: str) -> None:
    """Refuse what cannot become a conversation, or is too much of one.

    Raises:
        MalformedOffer: it has no sound first, no way to connect, or more of something than any client has.
    """
    if len(sdp) > MAX_BYTES:
        raise MalformedOffer("too_long")
    lines = sdp.splitlines()
    media = [line for line in lines if line.startswith("m=")]
    if not media or not media[0].startswith("m=audio "):
        raise MalformedOffer("no_sound")
    if len(media) > MAX_MEDIA:
        raise MalformedOffer("too_many_media")
    if sum(line.startswith("a=ssrc") for line in lines) > MAX_SOURCES or _pairs(lines) > MAX_PAIRS:
        raise MalformedOffer("too_many_attributes")
    if any(line.startswith(_MESSAGE_SIZE) and not _is_enough(line.removeprefix(_MESSAGE_SIZE)) for line in lines):
        raise MalformedOffer("too_short_messages")
    if not all(any(line.startswith(needed) and line[len(needed) :].strip() for line in lines) for needed in _NEEDED):
        raise MalformedOffer("no_way_to_connect")


def _is_enough(message_size: str) -> bool:
    """Whether what we have to say fits: a client that we cannot tell an error would be told of that, and so on."""
    try:
        return int(message_size) == 0 or int(message_size) >= MIN_MESSAGE_BYTES
    except ValueError:
        return False


def _pairs(lines: list[str]) -> int:
    """Count what aiortc's parser compares, each codec of a medium with each line about codecs."""
    pairs = codecs = said = 0
    for line in lines:
        if line.startswith("m="):
            pairs, codecs, said = pairs + codecs * said, 0, 0
        codecs += line.startswith("a=rtpmap:")
        said += line.startswith(_ABOUT_CODECS)
    return pairs + codecs * said
