"""The tracked files: nothing of a single machine, and lists that follow the workspace's members."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tools.workspace import PYTHON_VERSION, ROOT, members

# Joined here, so that this file does not contain what it searches for.
HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("files", "pythonhosted"), ("registry", "npmjs"))]
HOSTS += [".".join(parts) for parts in (("deb", "debian", "org"), ("registry", "yarnpkg"))]
PLACES = ["/".join(parts) for parts in (("", "work", "main"), ("", "work", "shared"), ("", "tmp", "lab"))]
PLACES += ["/".join(parts) for parts in (("", "root", ".pyenv"), ("", "opt", "wheels"))]


def tracked() -> list[Path]:
    """Return the files that git tracks or, without git, would track."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607 - git is found where the developer has it
    return [ROOT / name for name in listed.stdout.split("\0") if name]


@pytest.mark.parametrize("word", HOSTS + PLACES)
def test_no_tracked_file_names_a_package_host_or_a_path_of_one_machine(word: str) -> None:
    """No tracked file names a package host or a path of one machine."""
    holding = [
        str(path.relative_to(ROOT)) for path in tracked() if path.is_file() and word.encode() in path.read_bytes()
    ]
    assert holding == []


def test_a_checkout_on_windows_is_the_same() -> None:
    """A checkout works on Windows too: LF line ends everywhere, and no name that Windows rejects or merges."""
    attributes = (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()
    assert "* text=auto eol=lf" in attributes
    texts = [path for path in tracked() if path.suffix not in {".wav", ".npz", ".png"}]
    assert [path for path in texts if b"\r\n" in path.read_bytes()] == []
    names = [str(path.relative_to(ROOT)) for path in tracked()]
    refused = re.compile(r'[<>:"|?*\\\x00-\x1f]|[ .](/|$)|(^|/)(con|prn|aux|nul|com\d|lpt\d)(\.|/|$)', re.IGNORECASE)
    assert [name for name in names if refused.search(name)] == []
    assert len({name.lower() for name in names}) == len(names)
    assert max(map(len, names)) <= 160  # with the checkout's own path, 260 are all that Windows takes by default
    assert [path for path in tracked() if path.is_symlink()] == []


def test_every_list_of_members_follows_the_workspace() -> None:
    """Every list of members follows the workspace, and a failure names the lists that lack a new member."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    for member in members():
        sources = f"{member}/src"
        packages = {path.parent.name for path in (ROOT / sources).glob("*/__init__.py")}
        assert packages
        assert sources in settings["mypy"]["mypy_path"]
        assert sources in settings["mypy"]["files"]
        assert sources in settings["ruff"]["src"]
        assert packages <= set(settings["ruff"]["lint"]["isort"]["known-first-party"])
        assert packages <= set(settings["importlinter"]["root_packages"])


@pytest.mark.parametrize("member", members())
def test_every_member_is_typed_and_asks_for_our_python(member: str) -> None:
    """Every member ships its types and requires the tested Python."""
    project = tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]
    assert project["requires-python"].startswith(f">={PYTHON_VERSION},<")
    sources = ROOT / member / "src"
    typed = {path.parent for path in sources.glob("*/py.typed")}
    assert typed == {path.parent for path in sources.glob("*/__init__.py")} != set()


def test_the_pinned_python_is_said_once() -> None:
    """The pinned Python is in .python-version, and the bootstrap's constant equals it."""
    assert (ROOT / ".python-version").read_text().strip() == PYTHON_VERSION


@pytest.mark.parametrize("group", ["select", "ignore", "per-file-ignores"])
def test_all_rules_are_on_and_each_ignore_says_why(group: str) -> None:
    """All rules are on, and each ignored one has a reason."""
    text = (ROOT / "pyproject.toml").read_text()
    if group == "select":
        assert 'select = ["ALL"]' in text
        return
    start = text.index("[tool.ruff.lint.per-file-ignores]" if group == "per-file-ignores" else "\nignore = [")
    block = text[start : text.index("\n[tool.", start + 1)]
    unexplained = [line for line in block.splitlines() if line.startswith('    "') and "  # " not in line]
    assert unexplained == []
