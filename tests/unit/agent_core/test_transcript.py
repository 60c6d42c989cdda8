"""The conversation's words: in order, once, and of an interrupted answer only what was heard."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent_core.nova import wire
from agent_core.nova.transcript import MAX_BYTES, MAX_ENTRIES, MAX_ENTRY_BYTES, ConversationTranscript, History
from agent_core.nova.turns import Turns
from agent_core.nova.wire import Role
from tests.support import scripted_model as say


def _after(*payloads: bytes) -> list[tuple[str, str]]:
    transcript, turns = ConversationTranscript(), Turns()
    for payload in payloads:
        for fact in turns.take(wire.parse(payload)):
            transcript.take(fact)
    return [(role.value, words) for role, words in transcript.history]


def test_words_keep_their_order_however_fast_they_come() -> None:
    """After a network stall, everything arrives at once, and the history is still correct."""
    events = (
        *say.text_block("ASSISTANT", "Hello.", speculative=False),
        *say.heard("hi"),
        *say.text_block("ASSISTANT", "Yes?", speculative=False),
    )
    assert _after(*events) == [("ASSISTANT", "Hello."), ("USER", "hi"), ("ASSISTANT", "Yes?")]


def test_planned_words_are_not_said_words() -> None:
    """A sentence that was planned and never spoken is not part of the conversation."""
    assert _after(*say.text_block("ASSISTANT", "I will tell you …", speculative=True), *say.heard("stop")) == [
        ("USER", "stop")
    ]


def test_the_sign_of_an_interruption_is_no_word() -> None:
    """The sign of a barge-in, which the model sends in place of words, is not in the transcript."""
    assert _after(*say.text_block("ASSISTANT", "It is", speculative=False), *say.interruption()) == [
        ("ASSISTANT", "It is")
    ]


def test_sentences_of_one_turn_are_one_entry() -> None:
    """The pieces of one turn form one entry."""
    assert _after(*say.heard("what is"), *say.heard("the weather")) == [("USER", "what is the weather")]


def test_half_a_character_is_left_out() -> None:
    """An unpaired surrogate could not be sent to any model, and would spoil every later history."""
    transcript = ConversationTranscript(((Role.USER, "hi\udc00"),))
    transcript.add(Role.USER, "a\ud83d")
    transcript.add(Role.USER, "\ud83d")
    transcript.add(Role.ASSISTANT, "Yes?")
    assert transcript.history == ((Role.USER, "hi a"), (Role.ASSISTANT, "Yes?"))


def test_an_endless_conversation_stays_bounded() -> None:
    """The oldest words are dropped first, also within an entry that is too long on its own."""
    transcript = ConversationTranscript()
    for number in range(100):
        transcript.add(Role.USER if number % 2 else Role.ASSISTANT, f"{number} " + "x" * 2000)
    size = sum(len(words.encode()) for _, words in transcript.history)
    assert size <= MAX_BYTES
    assert transcript.history[-1][1].startswith("99 ")
    transcript.add(Role.ASSISTANT, "y" * (MAX_BYTES + 1))
    assert transcript.history[-1] == (Role.ASSISTANT, "y" * MAX_ENTRY_BYTES)


def test_what_a_call_brings_along_is_known_but_not_asked_again() -> None:
    """The words of a resumed call are its history; the resuming task decides which question to answer."""
    lengths: list[int] = []
    before = ((Role.USER, "hi"), (Role.ASSISTANT, "Yes?"), (Role.USER, "the weather in Paris"))
    transcript = ConversationTranscript(before, lambda history: lengths.append(len(history)))
    assert (transcript.history, lengths) == (before, [])
    waiting: list[object] = [transcript.waiting[1]]
    transcript.add(Role.USER, "please")
    waiting.append(transcript.waiting[1])
    assert transcript.waiting[0] == before[:-1]
    transcript.add(Role.ASSISTANT, "It rains.")
    waiting.append(transcript.waiting[1])
    assert waiting == [None, "the weather in Paris please", None]
    assert lengths == [3, 4]


_WORDS = st.one_of(
    st.text(max_size=40),
    st.builds(lambda word, count: word * count, st.text(min_size=1, max_size=4), st.integers(1, 20_000)),
)


@given(st.lists(st.tuples(st.sampled_from([Role.USER, Role.ASSISTANT]), _WORDS), max_size=40))
def test_no_words_make_it_larger_than_its_bounds(said: list[tuple[Role, str]]) -> None:
    """Bytes, entries and each entry are bounded, whatever is said, and the newest words stay."""
    transcript = ConversationTranscript()
    for role, words in said:
        transcript.add(role, words)
        sizes = [len(entry.encode()) for _, entry in transcript.history]
        assert sum(sizes) <= MAX_BYTES
        assert max(sizes, default=0) <= MAX_ENTRY_BYTES
        assert len(sizes) <= MAX_ENTRIES
        assert all(one[0] is not other[0] for one, other in pairwise(transcript.history))
        kept = words.encode(errors="ignore").decode().strip()
        assert not kept or kept.endswith(transcript.history[-1][1][-100:].lstrip()[-len(kept) :])


def test_the_thousandth_message_costs_no_more_than_the_tenth() -> None:
    """The cost of a message does not grow with what was said before."""
    sizes: list[int] = []

    def changed(history: History) -> None:
        sizes.append(sum(len(words) for _, words in history) + len(history))

    flooded, chatted = ConversationTranscript(changed=changed), ConversationTranscript(changed=changed)
    for number in range(1000):
        flooded.add(Role.USER, "\U0001f600" * 1000)
        chatted.add(Role.USER if number % 2 else Role.ASSISTANT, "x")
    assert max(sizes[20:]) <= MAX_ENTRY_BYTES
