"""What a soak reports about a call, and how it learns which calls had a fault."""

import pytest

from standins.nova.session_records import Said
from tests.soak.books import what_was_said_was_heard
from tests.soak.people import Call


def _said(*pitches: int, cut: int | None = None) -> list[Said]:
    return [Said(f"{pitch} Hz for 400 ms", interrupted=pitch == cut) for pitch in pitches]


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ([400, 600, 800], _said(400, 600, 800)),
        ([400, 600, 800], _said(400, 600)),
        ([400, 800], _said(400, 600, 800, cut=600)),
        ([400, 600, 800], _said(400, 600, 800, cut=600)),
        ([400], _said(400, 600, 400, cut=600)),
        ([400, 600], _said(400, 400, 600)),
    ],
    ids=["all", "the last word is not told yet", "what was cut", "what was cut late", "two as one", "twice the same"],
)
def test_who_heard_what_was_said_has_no_complaint(heard: list[int], said: list[Said]) -> None:
    """Each note heard once and in order passes; a caller may leave during the last one, and interrupt."""
    what_was_said_was_heard(Call("CA1", heard=heard), said)


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ([400, 800], _said(400, 600, 800)),
        ([400, 800, 600], _said(400, 600, 800)),
        ([400, 600, 400, 600], _said(400, 600)),
        ([400, 220, 600], _said(400, 600)),
        ([], _said(400)),
    ],
    ids=["one is missing", "another order", "twice", "something else", "nothing"],
)
def test_who_heard_something_else_has(heard: list[int], said: list[Said]) -> None:
    """A missing, doubled or unknown note is reported together with what was said."""
    with pytest.raises(AssertionError, match="CA1 was told"):
        what_was_said_was_heard(Call("CA1", heard=heard), said)


def test_our_own_words_may_stand_between() -> None:
    """Announcements of the product may stand between the model's notes, which must all be there."""
    what_was_said_was_heard(Call("CA1", heard=[400, 220, 160, 600]), _said(400, 600), only_that=False)
    with pytest.raises(AssertionError):
        what_was_said_was_heard(Call("CA1", heard=[400, 220, 160]), _said(400, 600), only_that=False)
