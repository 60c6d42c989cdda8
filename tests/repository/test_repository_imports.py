"""A member declares what it imports and imports what it declares, so that an image holds what its service needs."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lock import third_party
from tools.workspace import ROOT, members


def imported(member: str) -> Iterator[str]:
    """Return the top-level names that a member's files import, anywhere in a file."""
    # The shipped agents run in both services with the packages that these have.
    agents = (ROOT / "agents").rglob("*.py") if member == "shared/agent_core" else ()
    for path in (*(ROOT / member / "src").rglob("*.py"), *agents):
        # Only pytest loads its plug-in, so an environment without it need not have it.
        if path.name == "pytest_plugin.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def distributions(member: str) -> dict[str, set[str]]:
    """Return the distributions that may provide each third-party name that a member imports."""
    ours = {path.parent.name for other in members() for path in (ROOT / other / "src").glob("*/__init__.py")}
    known = packages_distributions()
    names = {name for name in imported(member) if name not in sys.stdlib_module_names and name not in ours}
    return {name: {canonicalize_name(each) for each in known.get(name, [name])} for name in names}


def declared(member: str) -> set[str]:
    """Return the distributions that a member declares."""
    return {canonicalize_name(Requirement(need).name) for need in third_party(member)}


@pytest.mark.parametrize("member", members())
def test_every_import_is_declared(member: str) -> None:
    """Every import is declared, because a package that comes only with another one can vanish with it."""
    needs = declared(member)
    missing = {name: brings for name, brings in distributions(member).items() if not brings & needs}
    assert missing == {}, f"add to {member}/pyproject.toml, then `make lock`"


@pytest.mark.parametrize("member", members())
def test_every_declared_package_is_imported(member: str) -> None:
    """Every declared package is imported, because an unused one adds weight and vulnerabilities to the image."""
    brought = {each for brings in distributions(member).values() for each in brings}
    assert declared(member) - brought == set()
