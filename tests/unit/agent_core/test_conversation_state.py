"""What each input means in each phase, and what no order of inputs may do."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_core.announcements import Announcement
from agent_core.conversation.signals import (
    Action,
    AgentSaidGoodbye,
    AnswerHeard,
    Apologize,
    ApologyPlaying,
    Ask,
    CallPerson,
    Connected,
    CutOff,
    End,
    Ended,
    EnterStage,
    GoodbyeWanted,
    Greet,
    Input,
    KeyPressed,
    ModelLost,
    Play,
    PrepareTransfer,
    ReadyToListen,
    RefuseTransfer,
    Released,
    RememberKeys,
    StageWanted,
    Started,
    Tick,
    ToolStarted,
    TransferFailed,
    TransferSucceeded,
    TransferWanted,
)
from agent_core.conversation.state import MAX_TRANSFERS, ConversationRules, ConversationState, Phase
from agent_core.events import GOODBYE_SECONDS, EndReason
from agent_core.nova.facts import (
    AnswerOver,
    Asked,
    CallerWords,
    ConnectionClosed,
    ReplyAudio,
    ReplyStarted,
    SpeechIgnored,
    StageEntered,
    StreamLost,
    ToolAnswered,
)
from tests.support.state_runner import unsaid

RULES = ConversationRules(idle_seconds=20.0, by_key="reception")
LOST = EndReason.MODEL_UNAVAILABLE
DRAINED, LIMIT, LEFT = EndReason.DRAINED, EndReason.MAX_DURATION, EndReason.CALLER_HUNG_UP
TO_SALES = TransferWanted("sales", "an invoice")
G, T, X, C, F, E = (
    Phase.GREETING,
    Phase.TALKING,
    Phase.TRANSFERRING,
    Phase.CLOSING,
    Phase.FAILING,
    Phase.ENDED,
)


def enter(phase: Phase) -> ConversationState:
    """Return a conversation that has just reached a phase."""
    state = ConversationState(RULES, unsaid())
    into: dict[Phase, list[Input]] = {
        G: [],
        T: [ReplyStarted(), AnswerHeard()],
        X: [ReplyStarted(), AnswerHeard(), TO_SALES],
        C: [ReplyStarted(), AnswerHeard(), GoodbyeWanted(LIMIT)],
        F: [ReplyStarted(), AnswerHeard(), ModelLost(LOST)],
        E: [Ended(LEFT)],
    }
    for one in [Started(600), Connected(), ReadyToListen(), *into[phase]]:
        state.on(one, 0.0)
    assert state.phase is phase
    return state


PREPARE = PrepareTransfer("sales", "an invoice", "tool")
ENOUGH = RefuseTransfer("already_transferred")
type Cell = tuple[Phase, list[Action]]


def everywhere(end: End) -> dict[Phase, Cell]:
    """Return the cells of an input that ends the conversation in every phase."""
    cells: dict[Phase, Cell] = {phase: (E, [end]) for phase in (G, T, X, C, F)}
    return cells | {E: (E, [])}


def nowhere() -> dict[Phase, Cell]:
    """Return the cells of an input that only changes what is awaited."""
    return {phase: (phase, []) for phase in Phase}


TABLE: list[tuple[Input, dict[Phase, Cell]]] = [
    (
        ReplyStarted(),
        {G: (T, []), T: (T, []), X: (X, []), C: (C, []), F: (F, []), E: (E, [])},
    ),
    (
        KeyPressed("#"),
        {
            G: (G, [CutOff(), Ask("keys_typed", {"keys": "#"}, by_caller=True)]),
            T: (T, [CutOff(), Ask("keys_typed", {"keys": "#"}, by_caller=True)]),
            X: (X, []),  # kept for the agent, if the transfer fails
            C: (C, [Ask("keys_typed", {"keys": "#"}, by_caller=True)]),  # the goodbye is heard out
            F: (F, [Ask("keys_typed", {"keys": "#"}, by_caller=True)]),
            E: (E, []),
        },
    ),
    (
        TO_SALES,
        {
            G: (X, [PREPARE]),
            T: (X, [PREPARE]),
            X: (X, []),  # the model repeats itself
            C: (X, [PREPARE]),  # the goodbye yields
            F: (X, [PREPARE, CallPerson("sales")]),  # nothing can announce it
            E: (E, [ENOUGH]),
        },
    ),
    (
        TransferWanted("reception", ""),
        {
            G: (X, [PrepareTransfer("reception", "", "tool")]),
            T: (X, [PrepareTransfer("reception", "", "tool")]),
            X: (X, [RefuseTransfer("transfer_under_way", "sales")]),
            C: (X, [PrepareTransfer("reception", "", "tool")]),
            F: (X, [PrepareTransfer("reception", "", "tool"), CallPerson("reception")]),
            E: (E, [ENOUGH]),
        },
    ),
    (
        TransferFailed(),
        {
            G: (G, []),
            T: (T, []),
            X: (T, [Ask("transfer_failed", {"destination": "sales"})]),
            C: (C, []),
            F: (F, []),
            E: (E, []),
        },
    ),
    (
        TransferSucceeded(),
        everywhere(End(EndReason.TRANSFERRED)),
    ),
    (
        GoodbyeWanted(LIMIT),
        {G: (C, [Ask("goodbye")]), T: (C, [Ask("goodbye")]), X: (X, []), C: (C, []), F: (F, []), E: (E, [])},
    ),
    (
        GoodbyeWanted(DRAINED),
        {
            G: (C, [Ask("goodbye")]),
            T: (C, [Ask("goodbye")]),
            X: (X, [Ask("goodbye")]),
            C: (C, []),
            F: (F, []),
            E: (E, []),
        },
    ),
    (
        AgentSaidGoodbye(),
        {G: (C, []), T: (C, []), X: (X, []), C: (C, []), F: (F, []), E: (E, [])},
    ),
    (
        ModelLost(LOST),
        {
            G: (F, [Apologize()]),
            T: (F, [Apologize()]),
            X: (X, [CallPerson("sales")]),  # nothing can announce it any more
            C: (F, [Apologize()]),
            F: (F, []),  # once is enough
            E: (E, []),
        },
    ),
    (
        StageWanted("confirm", "use-1", {"status": "chosen"}),
        {
            G: (G, [EnterStage("confirm", "use-1", {"status": "chosen"})]),
            T: (T, [EnterStage("confirm", "use-1", {"status": "chosen"})]),
            X: (X, []),  # a person was promised
            C: (C, []),
            F: (F, []),
            E: (E, []),
        },
    ),
    (
        StreamLost(waiting=True, cut_off=True, silently=False),
        {
            G: (G, [Play(Announcement.HOLD)]),
            T: (T, [Play(Announcement.HOLD)]),
            X: (X, [Play(Announcement.HOLD)]),
            C: (C, []),  # no announcement into a goodbye
            F: (F, []),
            E: (E, []),
        },
    ),
    (
        Ended(LEFT),
        everywhere(End(LEFT)),
    ),
    (
        Released(),
        everywhere(End(DRAINED)),
    ),
    *(
        (one, nowhere())
        for one in (
            Connected(),
            ReadyToListen(),
            AnswerHeard(),
            ToolStarted(None),
            CallerWords("hello"),
            SpeechIgnored(),
            Asked(by_caller=True),
            ToolAnswered(pending=True),
            AnswerOver(spoken=True),
            ReplyAudio(b"", first=True, obsolete=False),
            StageEntered("confirm", 0.2, 0),
            ConnectionClosed(),
            Tick(quiet=True, owes_answer=False),
        )
    ),
]


@pytest.mark.parametrize(("one", "cells"), TABLE, ids=[type(one).__name__ for one, _ in TABLE])
@pytest.mark.parametrize("phase", Phase)
def test_what_an_input_means_in_a_phase(phase: Phase, one: Input, cells: dict[Phase, Cell]) -> None:
    """Every cell: the next phase, and what follows at once."""
    state = enter(phase)
    after, actions = cells[phase]
    assert state.on(one, 0.0) == actions
    assert state.phase is after


def later(state: ConversationState, seconds: float, *, quiet: bool = True, owes_answer: bool = False) -> list[Action]:
    """Let time pass; return what followed."""
    followed: list[Action] = []
    for _ in range(10_000):
        due = state.due
        if due is None or due > seconds:
            return followed
        followed += state.on(Tick(quiet, owes_answer), due)
    pytest.fail("the state keeps itself busy")


@pytest.mark.parametrize(
    ("phase", "ends"),
    [(X, None), (C, End(LIMIT))],
    ids=["transferring", "closing"],
)
def test_no_phase_waits_forever_for_the_model(phase: Phase, ends: Action | None) -> None:
    """Without a word of the model, the person is called, or the conversation ends."""
    followed = later(enter(phase), GOODBYE_SECONDS + 1)
    assert (CallPerson("sales") in followed) is (phase is X)
    assert ends is None or ends in followed


def test_a_key_0_counts_after_its_pause() -> None:
    """The announcement of the person is asked for only then: the number could continue."""
    state = enter(T)
    assert state.on(KeyPressed("0"), 0.0) == [CutOff()]
    assert later(state, 2.0) == [
        CutOff(),
        PrepareTransfer("reception", "The caller pressed 0.", "key"),
        Ask("transfer_by_key", {"destination": "reception"}),
    ]
    assert state.phase is X


def test_what_was_typed_during_a_transfer_is_told_after_it_failed() -> None:
    """Keys are lost neither while a person is called nor at the end."""
    state = enter(X)
    for key in "12#3":
        state.on(KeyPressed(key), 0.0)
    assert state.on(TransferFailed(), 0.5) == [Ask("transfer_failed", {"destination": "sales"}, after_keys=("12", "3"))]
    state.on(KeyPressed("7"), 0.6)
    assert state.on(Ended(LEFT), 0.7) == [End(LEFT)]
    assert state.on(Released(), 0.8) == [RememberKeys("7")]


def test_an_apology_ends_the_conversation_when_it_was_heard() -> None:
    """Also if the way to the caller is long, but within a bound."""
    state = enter(F)
    state.on(ApologyPlaying(3.0), 0.0)
    assert later(state, 3.1) == []
    assert later(state, 3.3) == [End(LOST)]
    state = enter(F)
    state.on(ApologyPlaying(300.0), 0.0)
    assert later(state, 10.0) == [End(LOST)]


def _reply(state: ConversationState, now: float) -> list[Action]:
    return state.on(ReplyStarted(), now) + state.on(AnswerHeard(), now)


INPUTS: list[Callable[[], Input]] = [
    ReadyToListen,
    Connected,
    AnswerHeard,
    ReplyStarted,
    AgentSaidGoodbye,
    TransferFailed,
    TransferSucceeded,
    SpeechIgnored,
    ConnectionClosed,
    lambda: TO_SALES,
    lambda: TransferWanted("reception", ""),
    lambda: GoodbyeWanted(LIMIT),
    lambda: GoodbyeWanted(EndReason.IDLE_TIMEOUT),
    lambda: GoodbyeWanted(DRAINED),
    lambda: ModelLost(LOST),
    lambda: ApologyPlaying(3.0),
    lambda: ToolStarted(Announcement.LOOK_UP),
    lambda: StageWanted("confirm", "use-1"),
    lambda: StageEntered("confirm", 0.2, 0),
    lambda: ToolAnswered(pending=True),
    lambda: CallerWords("hello"),
    lambda: Asked(by_caller=False),
    lambda: AnswerOver(spoken=True),
    lambda: ReplyAudio(b"", first=False, obsolete=False),
    lambda: StreamLost(waiting=True, cut_off=True, silently=False),
    *(lambda key=key: KeyPressed(key) for key in "0015#*"),
    lambda: Ended(LEFT),
]
STEPS = st.tuples(st.sampled_from(range(len(INPUTS))), st.floats(0, 12), st.booleans(), st.booleans())


@settings(max_examples=500)
@given(st.lists(STEPS, max_size=40), st.sampled_from([RULES, ConversationRules(), ConversationRules(way_to_ear=0.4)]))
def test_no_order_of_inputs_breaks_a_promise(
    steps: list[tuple[int, float, bool, bool]], rules: ConversationRules
) -> None:
    """One end, one person at a time, no goodbye during a transfer, and an end after everything that ends one."""
    state = ConversationState(rules, unsaid())
    now = 0.0
    seen: list[Action] = [*state.on(Started(600.0), now), *state.on(Connected(), now)]

    def take(one: Input, at: float) -> None:
        before = state.phase
        followed = state.on(one, at)
        seen.extend(followed)
        if before is Phase.TRANSFERRING and state.phase is Phase.TRANSFERRING:
            drains = one == GoodbyeWanted(DRAINED)
            assert drains or Ask("goodbye") not in followed, "a goodbye to a caller who was promised a person"
        if before not in (Phase.GREETING, Phase.TALKING):
            assert not any(isinstance(action, EnterStage) for action in followed)
        if before is Phase.ENDED:
            assert all(isinstance(action, RememberKeys | RefuseTransfer) for action in followed)
        # Two voices: an announcement of ours together with words of the model that it was just asked for.
        spoken = [action for action in followed if isinstance(action, Play | Apologize)]
        assert len(spoken) <= 1

    for which, wait, quiet, owes in steps:
        until = now + wait
        for _ in range(1_000):
            due = state.due
            if due is None or due > until:
                break
            now = max(now, due)
            take(Tick(quiet, owes), now)
        else:
            pytest.fail("a timer without an end")
        now = until
        take(INPUTS[which](), now)
        assert state.due is None or state.due < math.inf

    # Whatever has happened, every way out is bounded.
    if state.phase is Phase.CLOSING:
        seen += later(state, now + GOODBYE_SECONDS + 1)
        assert state.phase is not Phase.CLOSING
    seen += state.on(Released(), now + 100)
    assert state.due is None
    assert sum(isinstance(action, End) for action in seen) == 1
    assert sum(isinstance(action, Greet) for action in seen) <= 1
    assert sum(isinstance(action, CallPerson) for action in seen) <= MAX_TRANSFERS
    prepared = sum(isinstance(action, PrepareTransfer) for action in seen)
    assert prepared >= sum(isinstance(action, CallPerson) for action in seen)
