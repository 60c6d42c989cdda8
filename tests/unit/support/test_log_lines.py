"""A log can be read at any moment."""

from pathlib import Path

from tests.support.log_lines import log_lines


def test_a_line_that_is_still_being_written_is_not_read(tmp_path: Path) -> None:
    """Only whole lines count, whatever has been written of the last one."""
    log = tmp_path / "log"
    text = '{"event": "one", "said": "a\u2028b"}\nplain text\n{"event": "two"}\n'
    found = []
    for length in range(len(text) + 1):
        log.write_text(text[:length], encoding="utf-8")
        found.append([line["event"] for line in log_lines(log)])
    assert [names for place, names in enumerate(found) if names != found[place - 1] or not place] == [
        [],
        ["one"],
        ["one", "two"],
    ]
