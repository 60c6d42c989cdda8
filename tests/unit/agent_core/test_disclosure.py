"""The record says whether the caller has heard that an AI speaks: what was played counts, not what was planned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_core.conversation.signals import AnswerHeard, Input
from agent_core.conversation.waits import MAX_REPEATS, PROTECTED_SECONDS, DisclosureWatch
from agent_core.disclosure import Wording
from agent_core.events import Disclosure
from agent_core.nova.facts import Interrupted, ReplyAudio, ReplyStarted, SentenceEnded, TextPlanned, TurnStarted
from agent_core.nova.wire import Role
from agent_core.sentence import Sentence
from agent_core.sentences import LANGUAGES, Sentences

NAME = "Bella Cucina"
SAID = "Hello, this is the AI assistant of Bella Cucina."
WORDING = Wording(SAID, NAME, "en-US")
FIRST = ReplyAudio(b"", first=True, obsolete=False)


class Greeting:
    """A watch, with a clock that a test moves, and audio that plays at its own pace."""

    def __init__(self, *, history: tuple[tuple[Role, str], ...] = (), cuts: bool = False) -> None:
        self.watch = DisclosureWatch(WORDING, history, cuts=cuts)
        self.now = 100.0
        self._plays_until = 0.0

    def on(self, *happened: Input) -> None:
        """Let these things happen now."""
        for one in happened:
            self.watch.take(one, self.now, lambda: max(0.0, self._plays_until - self.now))

    def say(self, words: str, seconds: float) -> None:
        """Deliver a whole sentence at once, as the model does."""
        self.on(TextPlanned(words), FIRST)
        self._plays_until = max(self._plays_until, self.now) + seconds
        self.on(SentenceEnded())

    def outcome(self) -> Disclosure:
        """Return what the record would say now."""
        return self.watch.outcome(self.now)


def test_a_caller_who_listens_has_heard_it() -> None:
    """It counts when the sentence has been played, not when it was delivered."""
    greeting = Greeting()
    assert greeting.outcome() is Disclosure.NOT_HEARD
    greeting.on(ReplyStarted())
    greeting.say(SAID, 3.0)
    greeting.now += 2.9
    assert greeting.outcome() is Disclosure.CUT, "a caller who hangs up here has not heard it"
    greeting.now += 0.2
    assert greeting.outcome() is Disclosure.HEARD


def test_the_echo_of_what_was_played_counts_too() -> None:
    """It may return before the computed end."""
    greeting = Greeting()
    greeting.on(ReplyStarted())
    greeting.say(SAID, 3.0)
    greeting.now += 2.5
    greeting.on(AnswerHeard())
    assert greeting.outcome() is Disclosure.HEARD


@pytest.mark.parametrize("barge_in", [Interrupted(), TurnStarted(first=True)])
def test_a_barge_in_after_the_first_second_cuts_it(barge_in: Input) -> None:
    """The sentence is repeated with a later reply, and counts then."""
    greeting = Greeting()
    greeting.on(ReplyStarted())
    greeting.say(SAID, 3.0)
    greeting.now += 1.5
    assert not greeting.watch.protects(greeting.now)
    greeting.on(barge_in)
    greeting.now += 10
    assert greeting.outcome() is Disclosure.CUT
    greeting.on(ReplyStarted())
    greeting.say("As I said, I'm Bella Cucina's A.I. Here is your answer.", 4.0)
    greeting.now += 4.0
    assert greeting.outcome() is Disclosure.HEARD


def test_a_barge_in_in_the_first_second_does_not_suppress_it() -> None:
    """The delivered sentence plays on."""
    greeting = Greeting()
    greeting.on(ReplyStarted())
    greeting.say(SAID, 3.0)
    greeting.now += 0.5
    assert greeting.watch.protects(greeting.now)
    greeting.on(Interrupted(), TurnStarted(first=True))
    greeting.now += 3.0
    assert greeting.outcome() is Disclosure.HEARD


def test_a_model_that_stopped_has_not_said_it() -> None:
    """Half of a sentence is no sentence, also in the first second."""
    greeting = Greeting()
    greeting.on(ReplyStarted(), TextPlanned(SAID), FIRST)
    greeting.now += 0.5
    greeting.on(Interrupted())
    greeting.now += 10
    assert greeting.outcome() is Disclosure.CUT


def test_a_channel_without_protection_cuts_at_once() -> None:
    """Where audio cannot be kept, the record does not pretend."""
    greeting = Greeting(cuts=True)
    greeting.on(ReplyStarted())
    greeting.say(SAID, 3.0)
    greeting.now += 0.5
    assert not greeting.watch.protects(greeting.now)
    greeting.on(Interrupted())
    assert greeting.outcome() is Disclosure.CUT


def test_other_words_are_never_protected() -> None:
    """A barge-in stops any other reply at once."""
    greeting = Greeting()
    greeting.on(ReplyStarted())
    greeting.say("A long answer.", 9.0)
    assert not greeting.watch.protects(greeting.now)


def test_a_sentence_in_pieces_counts() -> None:
    """The model may divide it."""
    greeting = Greeting()
    greeting.on(ReplyStarted())
    greeting.say("Hello, welcome to Bella Cucina!", 2.0)
    greeting.say("I'm an AI.", 1.0)
    greeting.now += 3.0
    assert greeting.outcome() is Disclosure.HEARD


def test_the_model_is_asked_again_a_bounded_number_of_times() -> None:
    """After that the record says what was heard."""
    greeting = Greeting()
    assert [greeting.watch.repeat(greeting.now) for _ in range(MAX_REPEATS + 2)] == [True] * MAX_REPEATS + [False] * 2
    assert greeting.outcome() is Disclosure.NOT_HEARD


def test_a_conversation_that_goes_on_has_disclosed_it_before() -> None:
    """A caller who is connected again does not hear it twice."""
    assert Greeting(history=((Role.ASSISTANT, SAID),)).outcome() is Disclosure.HEARD
    assert Greeting(history=((Role.USER, SAID),)).outcome() is Disclosure.NOT_HEARD


@pytest.mark.parametrize("language", LANGUAGES)
@given(name=st.sampled_from(["Bella Cucina", "Müller & Söhne", "Dr. O'Neill", "7-Eleven", "Zahnarztpraxis am Markt"]))
def test_the_sentence_that_ships_counts_in_every_language(language: str, name: str) -> None:
    """Said word for word."""
    sentence = Sentences.of(language).say(Sentence.DISCLOSURE, name=name)
    assert Wording(sentence, name, language).is_in(sentence)


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ("Hi! You've reached Bella Cucina. I'm their AI assistant.", True),
        ("Hi, I'm the A.I. of bella kucina.", True),
        ("Hi! You've reached Bella Cucina. How can I help?", False),
        ("Hi, I'm an AI assistant.", False),
        ("Hi, I'm an AI assistant of Casa Verde.", False),
    ],
)
def test_the_wording_is_free_but_says_both(text: str, is_it: bool) -> None:  # noqa: FBT001 - a table
    """That it is an AI, and on whose behalf it speaks; a name may be misspelt in the model's own transcript."""
    assert WORDING.is_in(text) is is_it


def test_a_name_in_another_script_counts() -> None:
    """In Hindi the model writes a foreign name in its own letters."""
    assert Wording("", NAME, "hi-IN").is_in("नमस्ते, मैं बेला कुचीना का एआई सहायक हूँ।")


HAPPENED = st.sampled_from(
    [ReplyStarted(), FIRST, SentenceEnded(), AnswerHeard(), Interrupted(), TurnStarted(first=True), TextPlanned(SAID)]
)


@given(st.lists(st.tuples(HAPPENED, st.floats(0, 5), st.floats(0, 5))), st.booleans())
def test_what_was_heard_stays_heard(happened: list[tuple[Input, float, float]], cuts: bool) -> None:  # noqa: FBT001
    """Whatever happens, in any order; and nothing counts before the sentence was planned and played."""
    watch, now, planned = DisclosureWatch(WORDING, cuts=cuts), 0.0, False
    before = watch.outcome(now)
    for one, later, audible in happened:
        now += later
        watch.take(one, now, lambda seconds=audible: seconds)  # type: ignore[misc]
        planned = planned or isinstance(one, TextPlanned)
        outcome = watch.outcome(now)
        assert before is not Disclosure.HEARD or outcome is Disclosure.HEARD
        assert planned or outcome is Disclosure.NOT_HEARD
        assert not (watch.protects(now) and outcome is Disclosure.HEARD)
        before = outcome
    assert PROTECTED_SECONDS == 1.0
