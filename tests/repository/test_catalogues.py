"""All faults and threats have tests, and the catalogues name only existing tests."""

import ast
import re

import pytest

from tests.support import faults, threats
from tests.support.catalogue import Catalogue, Entry
from tools.workspace import ROOT

TESTS = ROOT / "tests"
CATALOGUES = (faults.CATALOGUE, threats.CATALOGUE)
ENTRIES = [
    pytest.param(catalogue, entry, id=f"{catalogue.word}-{entry.number:02}-{entry.title.replace(' ', '-')}")
    for catalogue in CATALOGUES
    for entry in catalogue.entries
]


@pytest.fixture(scope="module")
def functions() -> list[str]:
    """Return every test of the tree."""
    return [
        f"{path.relative_to(TESTS)}::{node.name}"
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


@pytest.mark.parametrize(("catalogue", "many"), [(CATALOGUES[0], 40), (CATALOGUES[1], 24)], ids=["faults", "threats"])
def test_numbers_have_no_gap(catalogue: Catalogue, many: int) -> None:
    """The catalogues number forty faults and twenty-four threats without a gap."""
    assert [entry.number for entry in catalogue.entries] == list(range(1, many + 1))


@pytest.mark.parametrize(("catalogue", "entry"), ENTRIES)
def test_an_entry_is_tested(catalogue: Catalogue, entry: Entry, functions: list[str]) -> None:
    """Each entry has at least one test, and each test that it lists exists."""
    assert [test for test in entry.tests if test not in functions] == []
    assert [test for test in functions if entry.number in catalogue.numbers_of(test)] != []


def test_the_page_about_faults_has_each_by_its_number() -> None:
    """The page about faults has each by its number, with the catalogue's own text and order."""
    page = (ROOT / "docs/reference/faults.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([^|]+?) \| [^|]+ \|$", page, re.MULTILINE)
    assert [(int(number), title) for number, title in rows] == [
        (entry.number, entry.title) for entry in faults.CATALOGUE.entries
    ]
