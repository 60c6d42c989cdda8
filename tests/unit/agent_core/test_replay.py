"""The history is cut to what the strictest reading of the model's limits accepts."""

import random
from itertools import pairwise

import pytest

from agent_core.nova.transcript import MAX_HISTORY_BYTES, MAX_MESSAGES, MIN_HISTORY_BYTES, History, fit_history
from agent_core.nova.wire import Role

STRICTEST_MESSAGES = 40
STRICTEST_BYTES = 1000
SCRIPTS = ["abc def", "é ü", "日本語 テキスト", "Привет мир", "مرحبا", "🙂🚀", "a", " \n\t", ""]


def refusal(history: History, most: int = MAX_HISTORY_BYTES) -> str | None:
    """Return why the strictest source rejects a history, or None."""
    if len(history) > STRICTEST_MESSAGES:
        return "too many messages"
    if any(len(words.encode()) > STRICTEST_BYTES for _, words in history):
        return "a message is too long"
    if any(not words.strip() for _, words in history):
        return "an empty message"
    if any(one[0] is other[0] for one, other in pairwise(history)):
        return "two messages of one side"
    if history and history[0][0] is not Role.USER:
        return "begins with the agent"
    return "too long" if sum(len(words.encode()) for _, words in history) > most else None


def _any_history(chance: random.Random) -> History:
    return tuple(
        (
            chance.choice([Role.USER, Role.ASSISTANT]),
            " ".join(chance.choice(SCRIPTS) for _ in range(chance.choice([0, 1, 3, 30, 300]))),
        )
        for _ in range(chance.choice([0, 1, 2, 7, 41, 130]))
    )


@pytest.mark.parametrize("seed", range(10))
def test_no_history_is_refused(seed: int) -> None:
    """A thousand conversations of any length, order and script pass, under any budget."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    for _ in range(100):
        history, most = _any_history(chance), chance.choice([0, 50, MIN_HISTORY_BYTES, 4000, MAX_HISTORY_BYTES])
        kept = fit_history(history, most)
        assert refusal(kept, most) is None
        assert fit_history(kept, most) == kept


def test_history_begins_with_the_caller() -> None:
    """A history begins with the caller, since the model rejects one that begins with its own words."""
    history = ((Role.ASSISTANT, "good day"), (Role.USER, "hello"), (Role.ASSISTANT, "yes?"))
    assert fit_history(history) == history[1:]
    assert fit_history(history[:1]) == ()
    assert fit_history(()) == ()


def test_what_one_side_said_in_pieces_is_one_message() -> None:
    """A sentence that is only planned at the renewal joins the final one before it."""
    history = ((Role.USER, "hello"), (Role.ASSISTANT, "Yes."), (Role.ASSISTANT, " Once. "))
    assert fit_history(history) == ((Role.USER, "hello"), (Role.ASSISTANT, "Yes. Once."))


def test_of_a_lively_conversation_the_newest_turns_are_kept() -> None:
    """Forty turns or what the budget allows are kept, up to the last words."""
    short = tuple((Role.USER if n % 2 == 0 else Role.ASSISTANT, f"turn {n}") for n in range(120))
    assert fit_history(short) == short[-MAX_MESSAGES:]
    long = tuple((role, words + " word" * 100) for role, words in short)
    kept = fit_history(long)
    assert MAX_HISTORY_BYTES - 1100 < sum(len(words.encode()) for _, words in kept) <= MAX_HISTORY_BYTES
    assert kept == long[-len(kept) :]


@pytest.mark.parametrize("letter", ["a ", "a", "é", "日", "🙂"])
def test_a_long_turn_keeps_its_beginning_and_its_end(letter: str) -> None:
    """A long turn keeps its beginning and end, and is never cut within a character."""
    ((_, words),) = fit_history(((Role.USER, "First. " + letter * 3000 + " Last."),))
    assert words.startswith("First.")
    assert words.endswith("Last.")
    assert " … " in words
    assert len(words.encode()) <= STRICTEST_BYTES
    assert len(words.encode()) > STRICTEST_BYTES // 2
