"""The lock files: complete, hashed, without hosts, and lean for production."""

import json
import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from tools import platforms
from tools.lock import is_isolated, lock_names, requirements
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
    """Return the version of each package in a lock."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock(name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in found}


def purpose(path: Path) -> str:
    """Return a lock file's name for a test's ID."""
    return path.stem


def test_each_purpose_has_its_lock_and_no_lock_is_orphaned() -> None:
    """Each purpose has its lock, and each lock has a purpose that the workspace declares."""
    assert sorted(path.stem for path in (ROOT / "requirements").glob("*.txt")) == sorted(lock_names())


@pytest.mark.parametrize("name", lock_names())
def test_direct_dependencies_are_pinned_as_declared(name: str) -> None:
    """Direct dependencies are pinned as declared, so a change without `make lock` fails here."""
    pinned = pins(name)
    for need in map(Requirement, requirements(name)):
        version = pinned.get(canonicalize_name(need.name))
        assert version is not None, f"requirements/{name}.txt lacks {need.name}: run `make lock`"
        assert need.specifier.contains(version), f"requirements/{name}.txt pins {need.name} {version}: run `make lock`"


@pytest.mark.parametrize("name", lock_names())
def test_dependencies_are_declared_exactly(name: str) -> None:
    """A member declares exact versions, so that its file says what runs."""
    loose = [need for need in requirements(name) if not re.fullmatch(r"[\w.\[\],-]+==[\w.]+(; .+)?", need)]
    assert loose == []


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=purpose)
def test_every_pin_has_a_hash(path: Path) -> None:
    """Every pin has a hash, so that an index cannot replace a package."""
    entries = re.split(r"\n(?=[a-z0-9])", path.read_text())
    unhashed = [entry.splitlines()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
    assert unhashed == []


def test_every_lock_was_checked_on_every_platform() -> None:
    """Every lock was checked on every platform, such as for a wheel for ARM."""
    assert json.loads(platforms.RECORD.read_text(encoding="utf-8")) == platforms.recorded(), (
        "run `make lock`, or `python -m tools.platforms` if only a lock's text changed"
    )
    assert platforms.LINUX_ARM in platforms.SOURCE_ONLY


def test_what_has_no_wheel_for_arm_is_built_by_what_is_locked() -> None:
    """Only pocketsphinx has no wheel for ARM, and locked tools build it."""
    assert platforms.SOURCE_ONLY[platforms.LINUX_ARM] - platforms.SOURCE_ONLY[platforms.LINUX_X86] == {"pocketsphinx"}
    assert {"scikit-build-core", "cmake", "ninja", "cython", "ziglang"} <= pins("recogniser").keys()


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=purpose)
def test_no_lock_names_a_host(path: Path) -> None:
    """No lock names a host, so that a mirror works without a change."""
    named = [line for line in path.read_text().splitlines() if "://" in line or re.match(r"-(i|f|-\w*index)", line)]
    assert named == []


@pytest.mark.parametrize("name", PRODUCTION)
def test_production_ships_neither_test_tools_nor_stand_ins(name: str) -> None:
    """Production ships neither test tools nor stand-ins."""
    assert [package for package in pins(name) if package in NEVER_SHIPPED] == []


@pytest.mark.parametrize("name", [name for name in lock_names() if name != "dev" and not is_isolated(name)])
def test_all_locks_agree_on_versions(name: str) -> None:
    """All locks agree on versions, so that the tested versions ship."""
    tested = pins("dev")
    differing = {package: version for package, version in pins(name).items() if tested.get(package, version) != version}
    assert differing == {}


def test_the_tests_run_on_what_is_locked() -> None:
    """The tests run on the locked versions, and not on a package that was installed by hand."""
    installed = {canonicalize_name(each.name): each.version for each in distributions()}
    other = {
        package: installed[package]
        for package, version in pins("dev").items()
        if installed.get(package, version) != version
    }
    assert other == {}
