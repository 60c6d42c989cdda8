"""The model's events become facts: in order, each once, whatever order the model sends them in."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_core.nova import wire
from agent_core.nova.facts import (
    AnswerOver,
    AudioStarted,
    CallerWords,
    Fact,
    Interrupted,
    MarkupPlanned,
    Progress,
    ReplyAudio,
    ReplyEnded,
    ReplyStarted,
    SentenceEnded,
    SpeechEnded,
    StreamStarted,
    TextFinal,
    TextPlanned,
    TokensUsed,
    ToolRequested,
    TurnEnded,
    TurnStarted,
    TurnTranscribed,
    UnknownEvent,
)
from agent_core.nova.turns import Turns
from agent_core.nova.wire import ModelEvent, Role, StopReason

PLANNED = wire.ContentStarted("TEXT", Role.ASSISTANT, speculative=True)
FINAL = wire.ContentStarted("TEXT", Role.ASSISTANT, speculative=False)
SOUND = wire.ContentStarted("AUDIO", Role.ASSISTANT, speculative=False, sample_rate=8000)
CALLER = wire.ContentStarted("TEXT", Role.USER, speculative=False)
TOOL = wire.ContentStarted("TOOL", Role.TOOL, speculative=False)
PART = wire.ContentEnded("TEXT", StopReason.PARTIAL_TURN)
TEXT_OVER = wire.ContentEnded("TEXT", StopReason.END_TURN)
SOUND_OVER = wire.ContentEnded("AUDIO", StopReason.END_TURN)
SOUND_PART = wire.ContentEnded("AUDIO", StopReason.PARTIAL_TURN)
CUT = wire.ContentEnded("AUDIO", StopReason.INTERRUPTED)
SIGN = wire.Text('{ "interrupted" : true }')
PCM = wire.AgentAudio(b"\x01\x00")
USE = wire.ToolUse("use-1", "look_up", {})
USAGE = wire.Usage(1, 2, 3, 4)


def facts_of(turns: Turns, *events: ModelEvent) -> list[Fact]:
    """Return what became of these events, without the signs of progress."""
    return [fact for event in events for fact in turns.take(event) if not isinstance(fact, Progress)]


def heard(words: str) -> list[ModelEvent]:
    """Return a turn of the caller."""
    return [CALLER, wire.Text(words), PART]


def planned(words: str) -> list[ModelEvent]:
    """Return a planned sentence."""
    return [PLANNED, wire.Text(words), PART]


def test_a_question_and_its_answer() -> None:
    """One turn and one reply of two sentences, each fact once and in the order in which observers need it."""
    turns = Turns()
    assert facts_of(turns, wire.CompletionStarted("abc"), *heard("hi"), *heard("there")) == [
        StreamStarted("abc"),
        AnswerOver(spoken=False),
        TurnStarted(first=True),
        CallerWords("hi"),
        TurnEnded(),
        SpeechEnded(),
        AnswerOver(spoken=False),
        TurnStarted(first=True),
        CallerWords("there"),
        TurnEnded(),
        SpeechEnded(),
    ]
    assert turns.reply_pending
    assert facts_of(turns, *planned("One."), SOUND, PCM, SOUND_PART) == [
        TurnTranscribed("hi there"),
        ReplyStarted(),
        TextPlanned("One."),
        AudioStarted(8000),
        ReplyAudio(b"\x01\x00", first=True, obsolete=False),
        SentenceEnded(),
    ]
    assert (turns.speaking, turns.settled, turns.pending_text) == (True, False, "One.")
    assert facts_of(turns, *planned("Two."), SOUND, PCM, SOUND_OVER) == [
        TextPlanned("Two."),
        AudioStarted(8000),
        ReplyAudio(b"\x01\x00", first=False, obsolete=False),
        SentenceEnded(),
        AnswerOver(spoken=True),
        ReplyEnded(),
    ]
    assert turns.pending_text == "One. Two."
    final: list[ModelEvent] = [FINAL, wire.Text("One."), PART, FINAL, wire.Text("Two."), TEXT_OVER]
    assert facts_of(turns, *final) == [TextFinal("One."), TextFinal("Two.")]
    assert turns.settled


def test_an_early_report_replaces_the_later_end_of_speech() -> None:
    """Nova 2.5 reports the end of speech before the words; each turn has one end of speech."""
    turns = Turns()
    assert facts_of(turns, wire.UserSpeechEnded(), *heard("hi")).count(SpeechEnded()) == 1
    assert facts_of(turns, *heard("hm")).count(SpeechEnded()) == 1


@pytest.mark.parametrize("signs", [[CUT], [FINAL, SIGN, CUT], [FINAL, SIGN, SIGN, CUT, CUT]])
def test_an_interruption_is_reported_once(signs: list[ModelEvent]) -> None:
    """However the model says it, and however often; audio that arrives after it is obsolete."""
    turns = Turns()
    facts_of(turns, *planned("A long answer."), SOUND, PCM)
    found = facts_of(turns, *signs)
    assert [found.count(one) for one in (Interrupted(), ReplyEnded())] == [1, 1]
    assert (turns.speaking, turns.pending_text) == (False, "")
    assert facts_of(turns, PCM) == [ReplyAudio(b"\x01\x00", first=False, obsolete=True)]
    assert TextPlanned("Next.") in facts_of(turns, *planned("Next."))
    assert facts_of(turns, SOUND, PCM)[-1] == ReplyAudio(b"\x01\x00", first=True, obsolete=False)


def test_words_before_a_tool_call_are_a_reply_of_their_own() -> None:
    """The reply ends with the tool call, the answer does not: the caller still waits for it."""
    turns = Turns()
    found = facts_of(turns, *heard("rain?"), *planned("Let me see."), SOUND, PCM, SOUND_PART, TOOL, USE)
    assert found[-2:] == [ReplyEnded(), ToolRequested(USE)]
    assert found.count(AnswerOver(spoken=True)) == 0
    assert (turns.reply_pending, turns.speaking, turns.working) == (True, False, True)
    turns.tool_answered("use-1")
    assert (turns.reply_pending, turns.working) == (True, False)


def test_a_tool_that_the_caller_has_overtaken_is_not_waited_for() -> None:
    """A new turn makes a running tool the model's business alone."""
    turns = Turns()
    facts_of(turns, TOOL, USE)
    facts_of(turns, *heard("never mind"), *planned("Fine."), SOUND, PCM, SOUND_OVER)
    assert (turns.tools, turns.working) == ({"use-1"}, False)
    turns.tool_answered("use-1")
    assert not turns.reply_pending


def test_a_reply_that_cannot_continue_is_over() -> None:
    """A sentence whose audio was arriving counts as said; one that was only planned does not."""
    turns = Turns()
    facts_of(turns, *planned("One."), SOUND, PCM)
    assert turns.cut_off() == [SentenceEnded(), ReplyEnded()]
    assert turns.cut_off() == [SentenceEnded()]
    facts_of(turns, *planned("Two."))
    assert turns.cut_off() == [ReplyEnded()]


@pytest.mark.parametrize(("delivered", "left"), [([SOUND, PCM, SOUND_OVER], "One."), ([SOUND, PCM], ""), ([], "One.")])
def test_words_of_a_lost_stream_that_are_still_heard(delivered: list[ModelEvent], left: str) -> None:
    """A reply whose audio is complete will be heard; one in progress is generated again."""
    turns = Turns()
    facts_of(turns, *planned("One."), *delivered)
    assert turns.lose() == left
    assert turns.pending_text == ""


@pytest.mark.parametrize("words", ["<tool_call>", " <function name='x'>", "<a b>"])
def test_markup_is_not_a_sentence(words: str) -> None:
    """A tool call that would be spoken aloud is reported as such."""
    assert facts_of(Turns(), *planned(words)) == [ReplyStarted(), MarkupPlanned()]


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        (USAGE, TokensUsed(USAGE)),
        (wire.UnknownModelEvent("mood"), UnknownEvent("mood")),
        (wire.CompletionStarted("abc"), StreamStarted("abc")),
        (wire.UserSpeechEnded(), SpeechEnded()),
    ],
)
def test_reports_show_no_progress(event: ModelEvent, fact: Fact) -> None:
    """Events that arrive whether or not the model works must not keep a dead stream alive."""
    assert list(Turns().take(event)) == [fact]


EVENTS: Sequence[ModelEvent] = (
    *(PLANNED, FINAL, SOUND, CALLER, TOOL, PART, TEXT_OVER, SOUND_OVER, SOUND_PART, CUT, SIGN, PCM, USE, USAGE),
    *(wire.Text("words"), wire.UserSpeechEnded(), wire.CompletionEnded(), wire.CompletionStarted("abc")),
    wire.ContentEnded("TOOL", StopReason.TOOL_USE),
    wire.ContentStarted("AUDIO", Role.USER, speculative=False),
    wire.UnknownModelEvent("mood"),
)


@given(st.lists(st.sampled_from(EVENTS), max_size=60))
def test_no_order_of_events_breaks_the_order_of_facts(events: list[ModelEvent]) -> None:
    """Replies and turns start and end alternately, are interrupted once, and no obsolete audio counts as the first."""
    turns = Turns()
    replying = has_turn = False
    interrupted = 0
    firsts = 0
    for fact in facts_of(turns, *events):
        match fact:
            case ReplyStarted():
                assert not replying
                replying, firsts = True, 0
            case ReplyEnded():
                assert replying
                replying = False
            case TurnStarted(first):
                assert first is not has_turn
                has_turn = True
            case TurnEnded():
                assert has_turn
                has_turn = False
            case Interrupted():
                interrupted += 1
            case ReplyAudio(first=first, obsolete=obsolete):
                assert not (first and obsolete)
                firsts += first
                assert firsts <= 1
            case TurnTranscribed(words):
                assert words
    assert replying == turns.replying
    # An interruption needs something to interrupt: each is preceded by a block of the agent, or is the very first sign.
    assert interrupted <= 1 + sum(event in (PLANNED, SOUND) for event in events)
    if turns.settled:
        assert not turns.pending_text
