"""The page of the infrastructure's promises is complete, and every test on it exists."""

import ast
import re
from pathlib import Path

from tests.infra.test_mutations import FIFTEEN, MORE
from tools.workspace import ROOT

PAGE = ROOT / "docs/reference/infrastructure.md"


def promises() -> dict[int, list[tuple[str, str]]]:
    """Return the table's tests by number, as file and function."""
    rows = re.findall(r"^\| (\d+) \| .+? \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    return {int(number): re.findall(r"`([\w/.-]+)::(\w+)`", tests) for number, tests in rows}


def functions(path: Path) -> set[str]:
    """Return the tests of a file that can fail: those that assert, expect an error or call a check."""
    tree = ast.parse(path.read_text()).body
    return {one.name for one in tree if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and len(one.body) > 1}


def test_the_promises_are_in_order_and_each_has_its_test() -> None:
    """The promises are in order, with at least the first twenty-five, and each has its test."""
    numbers = list(promises())
    assert numbers[:25] == list(range(1, 26))
    assert numbers == sorted(set(numbers))
    assert [number for number, tests in promises().items() if not tests] == []


def test_every_named_test_is_there() -> None:
    """Every test that the page names exists."""
    named = {test for tests in promises().values() for test in tests}
    missing = [f"{file}::{function}" for file, function in named if function not in functions(ROOT / "tests" / file)]
    assert missing == []


def test_every_mistake_is_noticed_by_a_test_that_is_there() -> None:
    """Every listed mistake has an existing test, and there are more than thirty, as the page says."""
    for mistake in FIFTEEN + MORE:
        module, _, function = mistake.noticed_by.partition("::")
        assert function in functions(ROOT / f"tests/infra/{module}.py"), mistake.what
    assert len(FIFTEEN + MORE) > 33
    assert "more than thirty mistakes" in PAGE.read_text()
