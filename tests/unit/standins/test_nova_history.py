"""The rules of a chat history, each in its strictest reading, and the other readings that a setting selects."""

import pytest

from standins.nova.errors import StreamFault
from standins.nova.protocol_state import ProtocolState
from standins.nova.service_limits import ServiceLimits
from tests.unit.standins.test_nova_session import AUDIO, NOVA_2, READY, SPEECH, Event, event, play, text

INVALID = "Invalid input request, please fix your input and try again."
TOO_LONG = "Chat history is over max limit. Trim chat history and try again."
TOO_SOON = "Chat history should be sent completely before streaming audio."

GUIDE = ServiceLimits(history_message_bytes=None, history_text_bytes=1024, history_bytes=40 * 1024)
"""The sizes in the user guide."""


def messages(count: int, size: int = 2) -> list[Event]:
    """Return a history of this many alternating messages with this many bytes each."""
    return [e for n in range(count) for e in text(f"h{n}", ("USER", "ASSISTANT")[n % 2], "x" * size)]


def pieces(role: str, *texts: str) -> list[Event]:
    """Return one message of several textInputs."""
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
    """By default whatever any source forbids is rejected, with the service's own error message."""
    with pytest.raises(StreamFault) as fault:
        offer(history)
    assert (fault.value.kind, fault.value.message) == ("validationException", message)


@pytest.mark.parametrize(
    "history",
    [messages(40), messages(10, 1000), text("h", "USER", "é" * 500), []],
    ids=["40 messages", "10 000 bytes", "1000 bytes", "none"],
)
def test_what_is_within_every_reading_passes(history: list[Event]) -> None:
    """A history exactly within every limit passes."""
    assert len(offer(history)) == len(history) // 3


def test_one_block_is_one_message_of_any_number_of_texts() -> None:
    """One block with any number of texts is one message, as the user guide splits a long text."""
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
    """Each limit has its own setting, because the sources disagree."""
    assert offer(history, limits)


def test_audio_waits_for_the_history_to_settle() -> None:
    """Audio directly after a history is rejected with the error message for early audio."""
    with pytest.raises(StreamFault) as fault:
        offer(messages(2), pause=0.049)
    assert fault.value.message == TOO_SOON
    assert offer(messages(2), pause=0.05)
    assert offer(messages(2), ServiceLimits(history_settle=0.0), pause=0.0)
    assert offer([], pause=0.0) == []


def test_the_settling_time_goes_by_the_wall_clock() -> None:
    """The settling time uses the wall clock, so a faster limit clock does not change it."""
    session = ProtocolState(NOVA_2, ServiceLimits(), 0.0)
    play([*READY, *messages(2)], session, now=100.0, at=5.0)
    with pytest.raises(StreamFault):
        play([AUDIO], session, now=130.0, at=5.01)


def test_the_second_prompt_has_a_history_of_its_own() -> None:
    """The second prompt has its own history, and the first prompt's does not count."""
    session = ProtocolState(NOVA_2, ServiceLimits(), 0.0)
    play([*READY, *messages(40), event("promptEnd")], session)
    again = [READY[1], *text("s2", "SYSTEM", "Be kind."), *text("z", "USER", "x" * 1000)]
    play(again, session)
