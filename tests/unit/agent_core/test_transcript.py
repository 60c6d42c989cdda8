"""The conversation's words: in order, once, and of a cut-off answer only what was heard."""

from agent_core.nova import wire
from agent_core.nova.transcript import MAX_BYTES, Transcript
from agent_core.nova.wire import Role
from tests.support import scripted_model as say


def _after(*payloads: bytes) -> list[tuple[str, str]]:
    transcript = Transcript()
    for payload in payloads:
        transcript.take(wire.parse(payload))
    return [(role.value, words) for role, words in transcript.history]


def test_words_keep_their_order_however_fast_they_come() -> None:
    """After a stall of the network everything comes at once, and the history must still be true."""
    events = (
        *say.text_block("ASSISTANT", "Hello.", speculative=False),
        *say.heard("hi"),
        *say.text_block("ASSISTANT", "Yes?", speculative=False),
    )
    assert _after(*events) == [("ASSISTANT", "Hello."), ("USER", "hi"), ("ASSISTANT", "Yes?")]


def test_planned_words_are_not_said_words() -> None:
    """A sentence that was announced and never spoken is no part of the conversation."""
    assert _after(*say.text_block("ASSISTANT", "I will tell you …", speculative=True), *say.heard("stop")) == [
        ("USER", "stop")
    ]


def test_the_sign_of_an_interruption_is_no_word() -> None:
    """The model sends it where words would stand."""
    assert _after(*say.text_block("ASSISTANT", "It is", speculative=False), *say.interruption()) == [
        ("ASSISTANT", "It is")
    ]


def test_sentences_of_one_turn_are_one_entry() -> None:
    """The model gives a turn in pieces."""
    assert _after(*say.heard("what is"), *say.heard("the weather")) == [("USER", "what is the weather")]


def test_half_a_character_is_left_out() -> None:
    """It could not be sent to any model, and would spoil each history from then on."""
    transcript = Transcript(((Role.USER, "hi\udc00"),))
    transcript.add(Role.USER, "a\ud83d")
    transcript.add(Role.USER, "\ud83d")
    transcript.add(Role.ASSISTANT, "Yes?")
    assert transcript.history == ((Role.USER, "hi a"), (Role.ASSISTANT, "Yes?"))


def test_an_endless_conversation_stays_bounded() -> None:
    """The oldest words go first, and one that is too long by itself still stands."""
    transcript = Transcript()
    for number in range(100):
        transcript.add(Role.USER if number % 2 else Role.ASSISTANT, f"{number} " + "x" * 2000)
    size = sum(len(words.encode()) for _, words in transcript.history)
    assert size <= MAX_BYTES
    assert transcript.history[-1][1].startswith("99 ")
    transcript.add(Role.ASSISTANT, "y" * (MAX_BYTES + 1))
    assert len(transcript.history) == 1


def test_what_a_call_brings_along_is_known_but_not_asked_again() -> None:
    """The words of a call that is taken up are its history; whoever takes it up says what is to be answered."""
    told: list[int] = []
    before = ((Role.USER, "hi"), (Role.ASSISTANT, "Yes?"), (Role.USER, "the weather in Paris"))
    transcript = Transcript(before, lambda history: told.append(len(history)))
    assert (transcript.history, told) == (before, [])
    waiting: list[object] = [transcript.waiting[1]]
    transcript.add(Role.USER, "please")
    waiting.append(transcript.waiting[1])
    assert transcript.waiting[0] == before[:-1]
    transcript.add(Role.ASSISTANT, "It rains.")
    waiting.append(transcript.waiting[1])
    assert waiting == [None, "the weather in Paris please", None]
    assert told == [3, 4]
