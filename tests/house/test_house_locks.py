"""The lock files: complete, hashed, named for no host, and lean where they ship."""

import json
import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from tools import platforms
from tools.lock import lock_names, requirements, stands_apart
from tools.workspace import ROOT, lock

PRODUCTION = ("phone-agent",)
NEVER_SHIPPED = (
    "pytest",
    "mypy",
    "ruff",
    "hypothesis",
    "import-linter",
    "uv",
    "hatchling",
    "pocketsphinx",
    "trustme",
)


def pins(name: str) -> dict[NormalizedName, str]:
    """Read a lock: package to version."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock(name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in found}


def purpose(path: Path) -> str:
    """Name a lock file in a test's id."""
    return path.stem


def test_each_purpose_has_its_lock_and_no_lock_is_orphaned() -> None:
    """What requirements/ holds is what the workspace declares."""
    assert sorted(path.stem for path in (ROOT / "requirements").glob("*.txt")) == sorted(lock_names())


@pytest.mark.parametrize("name", lock_names())
def test_direct_dependencies_are_pinned_as_declared(name: str) -> None:
    """Somebody who changes a dependency and forgets `make lock` is told here."""
    pinned = pins(name)
    for need in map(Requirement, requirements(name)):
        version = pinned.get(canonicalize_name(need.name))
        assert version is not None, f"requirements/{name}.txt lacks {need.name}: run `make lock`"
        assert need.specifier.contains(version), f"requirements/{name}.txt pins {need.name} {version}: run `make lock`"


@pytest.mark.parametrize("name", lock_names())
def test_dependencies_are_declared_exactly(name: str) -> None:
    """A member names one version, so that reading it tells what runs."""
    loose = [need for need in requirements(name) if not re.fullmatch(r"[\w.\[\],-]+==[\w.]+(; .+)?", need)]
    assert loose == []


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=purpose)
def test_every_pin_has_a_hash(path: Path) -> None:
    """An index that serves other bytes under a known name is noticed."""
    entries = re.split(r"\n(?=[a-z0-9])", path.read_text())
    unhashed = [entry.splitlines()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
    assert unhashed == []


def test_every_lock_was_checked_on_every_platform() -> None:
    """A pin without a wheel for ARM is found by `make lock`, not by the first Mac that builds an image."""
    assert json.loads(platforms.RECORD.read_text(encoding="utf-8")) == platforms.recorded(), (
        "run `make lock`, or `python -m tools.platforms` if only a lock's text changed"
    )
    assert platforms.LINUX_ARM in platforms.SOURCE_ONLY


def test_what_has_no_wheel_for_arm_is_built_by_what_is_locked() -> None:
    """Pocketsphinx alone; `make environment` on Linux and ARM installs its builders first."""
    assert platforms.SOURCE_ONLY[platforms.LINUX_ARM] - platforms.SOURCE_ONLY[platforms.LINUX_X86] == {"pocketsphinx"}
    assert {"scikit-build-core", "cmake", "ninja", "cython", "ziglang"} <= pins("recogniser").keys()


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=purpose)
def test_no_lock_names_a_host(path: Path) -> None:
    """Where packages come from is the machine's choice: a mirror works without a change."""
    named = [line for line in path.read_text().splitlines() if "://" in line or re.match(r"-(i|f|-\w*index)", line)]
    assert named == []


@pytest.mark.parametrize("name", PRODUCTION)
def test_production_ships_neither_test_tools_nor_stand_ins(name: str) -> None:
    """A pretend cloud in a production image would be a way around the real one."""
    assert [package for package in pins(name) if package in NEVER_SHIPPED] == []


@pytest.mark.parametrize("name", [name for name in lock_names() if name != "dev" and not stands_apart(name)])
def test_all_locks_agree_on_versions(name: str) -> None:
    """What is tested is what ships."""
    tested = pins("dev")
    differing = {package: version for package, version in pins(name).items() if tested.get(package, version) != version}
    assert differing == {}


def test_the_tests_run_on_what_is_locked() -> None:
    """A package that somebody installed by hand does not make the tests pass."""
    installed = {canonicalize_name(each.name): each.version for each in distributions()}
    other = {
        package: installed[package]
        for package, version in pins("dev").items()
        if installed.get(package, version) != version
    }
    assert other == {}
