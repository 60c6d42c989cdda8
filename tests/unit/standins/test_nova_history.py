"""The rules of a chat history, each as its strictest source reads it, and the other readings that can be chosen."""

import pytest

from standins.nova.errors import StreamFault
from standins.nova.protocol_state import ProtocolState
from standins.nova.service_limits import ServiceLimits
from tests.unit.standins.test_nova_session import AUDIO, NOVA_2, READY, SPEECH, Event, event, play, text

INVALID = "Invalid input request, please fix your input and try again."
TOO_LONG = "Chat history is over max limit. Trim chat history and try again."
TOO_SOON = "Chat history should be sent completely before streaming audio."

GUIDE = ServiceLimits(history_message_bytes=None, history_text_bytes=1024, history_bytes=40 * 1024)
"""What the user guide says of sizes."""


def messages(count: int, size: int = 2) -> list[Event]:
    """Make a history of this many messages in turn, each of this many bytes."""
    return [e for n in range(count) for e in text(f"h{n}", ("USER", "ASSISTANT")[n % 2], "x" * size)]


def pieces(role: str, *texts: str) -> list[Event]:
    """Make one message of several textInputs."""
    start, _, end = text("h", role, "")
    return [start, *(event("textInput", contentName="h", content=each) for each in texts), end]


def offer(history: list[Event], limits: ServiceLimits | None = None, *, pause: float = 1.0) -> list[tuple[str, str]]:
    """Send a history, then audio after a pause in seconds, and return what the model remembers."""
    session = ProtocolState(NOVA_2, limits or ServiceLimits(), 0.0)
    opened, *_ = play([*READY, *history], session)
    play([AUDIO, SPEECH], session, now=pause)
    remembered: list[tuple[str, str]] = opened.prompt.history  # type: ignore[union-attr]
    return remembered


@pytest.mark.parametrize(
    ("history", "message"),
    [
        pytest.param(messages(41), TOO_LONG, id="41 messages"),
        pytest.param(messages(11, 1000), TOO_LONG, id="more than 10 000 bytes in all"),
        pytest.param(text("h", "USER", "x" * 1001), TOO_LONG, id="a text of 1001 bytes"),
        pytest.param(text("h", "USER", "é" * 501), TOO_LONG, id="bytes count, not characters"),
        pytest.param(pieces("USER", "x" * 900, "y" * 101), TOO_LONG, id="a message of 1001 bytes in two texts"),
        pytest.param([*text("x", "USER", "Hi"), *text("y", "USER", "Ho")], INVALID, id="USER twice"),
        pytest.param([*messages(2), *text("c", "ASSISTANT", "Ho")], INVALID, id="ASSISTANT twice"),
        pytest.param(pieces("USER", "", ""), "Cannot end content as no content data was received", id="no words"),
        pytest.param(text("h", "ASSISTANT", "Hi"), INVALID, id="ASSISTANT first"),
    ],
)
def test_the_strictest_reading_is_the_default(history: list[Event], message: str) -> None:
    """What any source forbids is refused, in the service's own words."""
    with pytest.raises(StreamFault) as fault:
        offer(history)
    assert (fault.value.kind, fault.value.message) == ("validationException", message)


@pytest.mark.parametrize(
    "history",
    [messages(40), messages(10, 1000), text("h", "USER", "é" * 500), []],
    ids=["40 messages", "10 000 bytes", "1000 bytes", "none"],
)
def test_what_is_within_every_reading_passes(history: list[Event]) -> None:
    """Each bound belongs to what is allowed."""
    assert len(offer(history)) == len(history) // 3


def test_one_block_is_one_message_of_any_number_of_texts() -> None:
    """The user guide's way to split a long text."""
    assert offer(pieces("USER", "What is ", "the weather", "?")) == [("USER", "What is the weather?")]


@pytest.mark.parametrize(
    ("limits", "history"),
    [
        (GUIDE, messages(39, 1024)),
        (GUIDE, pieces("USER", "x" * 1024, "y" * 1024, "z" * 1024)),
        (ServiceLimits(history_messages=100), messages(60)),
        (ServiceLimits(history_alternates=False), [*text("x", "USER", "Hi"), *text("y", "USER", "Ho")]),
    ],
    ids=["39 KB", "a message of 3 KB", "60 messages", "USER twice"],
)
def test_other_readings_can_be_chosen(limits: ServiceLimits, history: list[Event]) -> None:
    """Sources disagree, so each limit is a setting of its own."""
    assert offer(history, limits)


def test_audio_waits_for_the_history_to_settle() -> None:
    """Audio on the heels of a history is refused in the words for audio that came before it."""
    with pytest.raises(StreamFault) as fault:
        offer(messages(2), pause=0.049)
    assert fault.value.message == TOO_SOON
    assert offer(messages(2), pause=0.05)
    assert offer(messages(2), ServiceLimits(history_settle=0.0), pause=0.0)
    assert offer([], pause=0.0) == []


def test_the_settling_time_goes_by_the_wall_clock() -> None:
    """A test that hurries the clock of the limits does not shorten it, nor let a client off."""
    session = ProtocolState(NOVA_2, ServiceLimits(), 0.0)
    play([*READY, *messages(2)], session, now=100.0, at=5.0)
    with pytest.raises(StreamFault):
        play([AUDIO], session, now=130.0, at=5.01)


def test_the_second_prompt_has_a_history_of_its_own() -> None:
    """What the first prompt was told does not count."""
    session = ProtocolState(NOVA_2, ServiceLimits(), 0.0)
    play([*READY, *messages(40), event("promptEnd")], session)
    again = [READY[1], *text("s2", "SYSTEM", "Be kind."), *text("z", "USER", "x" * 1000)]
    play(again, session)
