"""The output for people: wrapped, marked, and readable in a log."""

import io

import pytest

from deployment.console import CheckMark, Screen


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_a_row_says_how_it_stands_and_below_it_what_to_do() -> None:
    """A row shows its state, with the advice below it, as plain text in a log."""
    stream = io.StringIO()
    Screen(stream, {}).row(CheckMark.BAD, "clock", "400 s off", ["set it"])
    assert stream.getvalue() == f"  ✗ clock           400 s off\n{' ' * 20}→ set it\n"


def test_long_text_is_wrapped_under_itself_and_a_command_is_not() -> None:
    """Long text gets a hanging indent, and a command stays on one line so that it can be copied."""
    stream = io.StringIO()
    command = "aws " + "--option value " * 20
    Screen(stream, {}).row(CheckMark.CARE, "x", "word " * 60, [f"$ {command}"])
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines[:-1])) <= 120
    assert lines[1].startswith(" " * 20 + "word")
    assert lines[-1].endswith(command.rstrip() + " ")


def test_progress_is_written_over_and_only_where_somebody_looks() -> None:
    """Progress is overwritten on a terminal, and a log does not contain it."""
    watched, log = Terminal(), io.StringIO()
    for stream in (watched, log):
        screen = Screen(stream, {"NO_COLOR": "1"})
        screen.progress("1 of 2")
        screen.row(CheckMark.GOOD, "done")
    assert watched.getvalue() == "\r\x1b[K  … 1 of 2\r\x1b[K  ✓ done\n"
    assert log.getvalue() == "  ✓ done\n"


def test_a_log_gets_a_line_a_minute() -> None:
    """A log gets one line a minute, because a silent job looks dead while old tasks keep their calls."""
    stream, seconds = io.StringIO(), iter([0.0, 59.0, 60.0, 60.0, 119.0, 121.0, 121.0])
    screen = Screen(stream, {}, clock=lambda: next(seconds))
    for text in ("a", "b", "c", "d"):
        screen.progress(text)
    assert stream.getvalue() == "  … b\n  … d\n"


def test_colour_is_for_terminals_that_want_it() -> None:
    """Only terminals get colour, and NO_COLOR turns it off."""
    plain, coloured = Terminal(), Terminal()
    Screen(plain, {"NO_COLOR": "1"}).row(CheckMark.GOOD, "x")
    Screen(coloured, {}).row(CheckMark.GOOD, "x")
    assert "\x1b" not in plain.getvalue()
    assert "\x1b[32m✓" in coloured.getvalue()


def test_nobody_is_asked_where_nobody_is() -> None:
    """Without a terminal a question raises EOFError, so that a background job never waits."""
    screen = Screen(io.StringIO(), {})
    assert not screen.can_ask
    with pytest.raises(EOFError):
        screen.ask("sure?")
