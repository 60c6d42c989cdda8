"""The reference pages say what the code says."""

from pathlib import Path

import pytest

from tools import reference

PAGES = reference.pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page_is_current(path: Path) -> None:
    """A setting, reason or error without its line on the page fails here; `python -m tools.reference` writes them."""
    assert path.read_text(encoding="utf-8") == PAGES[path]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_nothing_is_left_unexplained(path: Path) -> None:
    """Every name in the tables has words of its own."""
    rows = [line for line in PAGES[path].splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.rstrip(" |").rpartition("|")[2].strip() in ("", "-")] == []
