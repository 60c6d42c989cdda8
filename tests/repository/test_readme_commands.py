"""Every command of README, CONTRIBUTING, AGENTS and the first how-to pages works as written."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.support import doc_commands
from tools.workspace import ROOT
from voice_agent.call import options
from voice_agent.run import options as run_options
from voice_agent.run.ports import PORT_NAMES

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md")]
PAGES += [ROOT / f"docs/howto/{name}.md" for name in ("call-from-a-terminal", "use-real-accounts")]
PAGES += sorted((ROOT / "docs/tutorials").rglob("*.md"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()
OTHERS = (
    "docker compose ",
    "git clone ",
    "git ",
    "cd ",
    "sh tools/bootstrap.sh",
    ".venv/bin/",
    "curl ",
    "export ",
)
"""First words of the other commands that these pages may show."""


def commands(page: Path) -> list[str]:
    """Return the commands of a page's fenced blocks, without their comments."""
    whole = doc_commands.commands(page.read_text(encoding="utf-8")).replace("\\\n", " ")
    found = (" ".join(shlex.join(shlex.split(line, comments=True)).split()) for line in whole.splitlines())
    return [line for line in found if line]


def typed() -> list[str]:
    """Return all commands, each once."""
    return list(dict.fromkeys(command for page in PAGES for command in commands(page)))


@pytest.mark.parametrize("command", typed())
def test_a_command_can_be_typed_as_it_stands(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command's target, variables and files exist, and its options are valid."""
    words = [word for word in shlex.split(command) if word not in {"&", "&&"}]
    settings = [word for word in words if re.fullmatch(r"[A-Z_]+=.*", word)]
    words = [word for word in words if word not in settings]
    if words[0] != "make":
        assert command.startswith(OTHERS)
        if words[0].startswith(".venv/bin/"):
            assert (Path(sys.executable).parent / Path(words[0]).name).is_file()
        if words[:2] == [".venv/bin/voice-agent", "run"]:
            run_options.read(words[2:], {})
        return
    assert set(words[1:]) <= set(TARGETS)
    given = dict(word.split("=", 1) for word in settings)
    if "call" in words:
        assert set(given) <= set(options.VARIABLES)
        monkeypatch.chdir(ROOT)
        options.read([], given)  # exits at an unknown option
        return
    known = set(re.findall(r"\b([A-Z_]+)\b", MAKEFILE)) | set(re.findall(r"`([A-Z_]+)`", _settings()))
    assert set(given) <= known


def test_what_is_named_in_a_sentence_is_there_too() -> None:
    """A target or page that a sentence names exists."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert set(re.findall(r"`make ([a-z-]+)", text)) <= set(TARGETS)
        links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
        assert [link for link in links if link and not (page.parent / link).exists()] == []


def _settings() -> str:
    return (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8") + " ".join(
        f"`{variable}`" for _, variable in PORT_NAMES.values()
    )
