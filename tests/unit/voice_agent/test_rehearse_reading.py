"""Rehearsals are read from YAML, and a mistake is reported with its file, its line and what is expected there."""

from pathlib import Path

import pytest

from voice_agent.rehearse.rehearsals import InvalidRehearsal, read_rehearsals

_FOLDERS = Path(__file__).parents[3] / "agents"


def _folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "rehearsals").mkdir()
    (tmp_path / "rehearsals" / "a.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_an_entry_with_a_name_begins_a_conversation_and_the_others_continue_it(tmp_path: Path) -> None:
    """The three kinds of entries become the turns of two conversations."""
    text = """
- rehearsal: a table
  says: a table for two
  expect: {tool: book_table, with: {people: 2, day: friday}, hears: [two, Friday], within: 3s}
- then: make it three
  expect: {tool: change_booking, with: {people: 3}}
- keys: 0
  expect: {transfer: host}
- rehearsal: goodbye
  says: goodbye
  expect: {tool: end_call, ends: true, says: bye, within: 800ms}
"""
    table, goodbye = read_rehearsals(_folder(tmp_path, text))
    assert [turn.label for turn in table.turns] == ["“a table for two”", "“make it three”", "keys 0"]
    assert [turn.line for turn in table.turns] == [2, 5, 7]
    first = table.turns[0].expect
    assert (first.tool, first.arguments, first.hears, first.within) == (
        "book_table",
        {"people": 2, "day": "friday"},
        ("two", "Friday"),
        3.0,
    )
    assert table.turns[2].expect.transfer == "host"
    assert (goodbye.turns[0].expect.ends, goodbye.turns[0].expect.says) == (True, ("bye",))
    assert goodbye.turns[0].expect.within == 0.8
    assert goodbye.slug == "goodbye"


def test_a_time_holds_for_the_rehearsals_below_it(tmp_path: Path) -> None:
    """YAML reads some spellings as text and some as a date; all are the agent's local time."""
    text = """
- {rehearsal: a, says: b}
- now: 2026-12-02 10:00
- {rehearsal: c, says: d}
- {then: e}
- {rehearsal: f, says: g}
- now: 2026-12-03
- {rehearsal: h, says: i}
"""
    found = {one.name: one.now and one.now.isoformat() for one in read_rehearsals(_folder(tmp_path, text))}
    assert found == {"a": None, "c": "2026-12-02T10:00:00", "f": "2026-12-02T10:00:00", "h": "2026-12-03T00:00:00"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- rehearsal: a\n  says: b\n  expects: {}\n", r"a\.yaml:1: unknown key 'expects'; known are rehearsal, says"),
        ("- rehearsal: a\n  says: b\n- then: c\n  expect: {tol: x}\n", r"a\.yaml:3: unknown key 'tol'; known are tool"),
        ("- says: b\n", r"a\.yaml:1: the first entry must have “rehearsal:” with a name"),
        ("- rehearsal: a\n", r"a\.yaml:1: expected one of “says:”, “then:” and “keys:”"),
        ("- rehearsal: a\n  says: b\n  keys: 1\n", "expected one of"),
        ("- rehearsal: a\n  keys: abc\n", r"keys: expected digits, \* or #, not 'abc'"),
        ("- rehearsal: a\n  says: [b]\n", "says: expected text"),
        ("- rehearsal: a\n  says: b\n  expect: {within: soon}\n", "within: expected a time such as 3s or 800ms"),
        ("- rehearsal: a\n  says: b\n  expect: {with: {x: 1}}\n", "with: needs the name of a tool"),
        ("- rehearsal: a\n  says: b\n  expect: {tool: t, with: 3}\n", "with: expected a mapping"),
        ("- rehearsal: a\n  says: b\n- rehearsal: a\n  says: c\n", "two rehearsals are named 'a'"),
        ("- now: soon\n", r"a\.yaml:1: now: expected the agent's local time, such as 2026-12-02 10:00, not 'soon'"),
        ("- now: 2026-12-02T10:00+01:00\n", "now: expected the agent's local time"),
        ("- rehearsal: a\n  says: b\n  now: 2026-12-02\n", "now: expected alone in an entry"),
        ("- rehearsal: 'a\n", r"a\.yaml:\d: not YAML"),
        ("rehearsal: a\n", "expected a list of entries"),
        ("- a\n", "expected “rehearsal:”, “then:” or “keys:” in each entry"),
    ],
)
def test_a_mistake_is_reported_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    """An author finds the mistake without reading this program."""
    with pytest.raises(InvalidRehearsal, match=problem):
        read_rehearsals(_folder(tmp_path, text))


def test_a_folder_without_rehearsals_is_reported(tmp_path: Path) -> None:
    """A path that does not exist, a folder without rehearsals, and a name that none has."""
    with pytest.raises(InvalidRehearsal, match="name an agent's folder"):
        read_rehearsals(tmp_path / "missing")
    with pytest.raises(InvalidRehearsal, match=r"no \*\.yaml file"):
        read_rehearsals(tmp_path)
    folder = _folder(tmp_path, "- rehearsal: a table\n  says: b\n")
    assert [one.name for one in read_rehearsals(folder, "TABLE")] == ["a table"]
    with pytest.raises(InvalidRehearsal, match="no rehearsal is named 'x'; there are: a table"):
        read_rehearsals(folder, "x")


@pytest.mark.parametrize("agent", ["clinic", "restaurant", "weather"])
def test_the_rehearsals_that_ship_are_valid_and_many(agent: str) -> None:
    """Each agent has at least twelve, with follow-ups, a person and a goodbye."""
    rehearsals = read_rehearsals(_FOLDERS / agent)
    turns = [turn for one in rehearsals for turn in one.turns]
    assert len(rehearsals) >= 12
    assert any(len(one.turns) > 1 for one in rehearsals)
    assert any(turn.keys == "0" and turn.expect.transfer for turn in turns)
    assert any(turn.expect.ends for turn in turns)
