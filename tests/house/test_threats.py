"""All threats have tests, and the list of them names tests that there are."""

import ast

import pytest

from tests.support.costs import BOUNDS
from tests.support.threats import THREATS, Threat, numbers_of, uncovered
from tools.workspace import ROOT

TESTS = ROOT / "tests"


def _functions() -> list[str]:
    return [
        f"{path.relative_to(TESTS)}::{node.name}"
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


@pytest.fixture(scope="module")
def functions() -> list[str]:
    """List every test of the tree."""
    return _functions()


def test_threats_are_numbered_without_a_gap() -> None:
    """Twenty-three of them."""
    assert [threat.number for threat in THREATS] == list(range(1, 24))


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: f"{threat.number:02}-{threat.title.replace(' ', '-')}")
def test_threat_is_tested(threat: Threat, functions: list[str]) -> None:
    """At least one test is about it, and each that is listed for it exists."""
    assert [test for test in threat.tests if test not in functions] == []
    assert [test for test in functions if threat.number in numbers_of(test)] != []


def test_a_threat_without_a_test_is_noticed() -> None:
    """A name or an entry of the list is what counts, and nothing else does."""
    assert uncovered(["unit/test_a.py::test_threat_07_x", *THREATS[0].tests]) == [2, 3, 4, 5, 6, *range(8, 24)]
    assert numbers_of("unit/test_a.py::test_threatening") == set()


@pytest.mark.parametrize("what", BOUNDS)
def test_what_is_promised_is_what_is_measured(what: str) -> None:
    """SECURITY.md gives the bounds that a test holds the services to."""
    bound = BOUNDS[what]
    row = f"| {what} | {bound.kilobytes:.0f} KB | {bound.sockets:.0f} | {bound.processor_ms:.0f} ms |"
    assert row in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
