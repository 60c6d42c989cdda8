"""Check an offer before anything is made of it. No I/O.

aiortc's parser is lenient: it accepts an empty text as an empty offer, which would hold a slot until it times out.
"""

from webrtc_agent.errors import MalformedOffer

MAX_BYTES = 32 * 1024
"""Excluding the unused candidates. A browser's offer with audio, camera and screen has about 8 KB."""
MAX_MEDIA = 8
"""A browser offers audio, camera, screen and messages."""
MAX_SOURCES = 200
"""Most lines about senders. aiortc compares each with all before it: 2500 of them take it 150 ms."""
MAX_PAIRS = 20_000
"""Most pairs of a codec and a line about codecs, over all media: aiortc compares each with each, and 32 KB could become
a million objects. A browser's camera has about 50 codecs and 150 such lines.
"""
MIN_MESSAGE_BYTES = 16 * 1024
"""Least message size that a client may accept (RFC 8841, section 6): browsers accept 64 KB and more. 0 means unlimited.
"""
_MESSAGE_SIZE = "a=max-message-size:"
_ABOUT_CODECS = ("a=rtcp-fb:", "a=fmtp:")
_NEEDED = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:")
"""Each with a value: an empty one counts as missing."""


def check_offer(sdp: str) -> None:
    """Reject an offer that cannot become a conversation, or is oversized.

    Raises:
        MalformedOffer: it does not have audio first, lacks what a connection needs, or has more of something than any
            client.
    """
    # The cheap checks come first: the parser must not see what they reject.
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
    """Return whether our messages fit: a client that cannot be sent an error would cause another error, and so on."""
    try:
        return int(message_size) == 0 or int(message_size) >= MIN_MESSAGE_BYTES
    except ValueError:
        return False


def _pairs(lines: list[str]) -> int:
    """Return the number of comparisons in aiortc's parser: per medium, each codec with each line about codecs."""
    pairs = codecs = said = 0
    for line in lines:
        if line.startswith("m="):
            pairs, codecs, said = pairs + codecs * said, 0, 0
        codecs += line.startswith("a=rtpmap:")
        said += line.startswith(_ABOUT_CODECS)
    return pairs + codecs * said
