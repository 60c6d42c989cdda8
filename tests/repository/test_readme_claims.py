"""The README stays short, and each of its claims names an existing, collected test."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import DEADLINES
from tools.workspace import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
CLAIMS = re.findall(r"^\| ([^|]+) \| \[`(test_\w+)`\]\((tests/[^)]+\.py)\) \|$", README, re.MULTILINE)
MOST_LINES = 150


def test_the_readme_is_short() -> None:
    """The README is short, because details belong in docs/."""
    assert len(README.splitlines()) <= MOST_LINES
    assert "(docs/index.md)" in README


def test_there_are_six_claims_with_a_test_each() -> None:
    """The README has six claims, and each names a test."""
    table = README.partition("| claim | test |\n|---|---|\n")[2].partition("\n\n")[0]
    assert len(CLAIMS) == len(table.splitlines()) == 6
    assert len({name for _, name, _ in CLAIMS}) == 6


@pytest.mark.parametrize(("claim", "name", "path"), CLAIMS, ids=[name for _, name, _ in CLAIMS])
def test_the_test_of_a_claim_exists(claim: str, name: str, path: str) -> None:
    """A claim's test is a function of the linked file, in a collected folder, and has a docstring."""
    assert claim.endswith(".")
    assert path.split("/")[1] in DEADLINES
    assert Path(path).name.startswith("test_")
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    (function,) = [
        node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    assert ast.get_docstring(function)


@pytest.mark.thorough  # it imports what six tests need
def test_the_tests_of_the_claims_are_collected() -> None:
    """Pytest collects the test of each claim."""
    ids = [f"{path}::{name}" for _, name, path in CLAIMS]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", "-m", "", *ids]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one for one in ids if one not in done.stdout] == []
