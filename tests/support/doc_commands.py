"""The commands in the README and the docs, and which of them a test can run.

A fence of shell commands begins with ```` ```sh ````: `tests/e2e/test_docs_commands.py` runs it in a fresh clone. A
word behind `sh` excludes the fence and says why; the words are the keys of ``EXCLUDED``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.workspace import ROOT

EXCLUDED = {
    "account": "needs an AWS, Twilio or Daily account",
    "docker": "needs a Docker engine; tests/e2e/containers runs the images",
    "yours": "needs a program or a value of the reader",
    "ci": "takes minutes; CI runs it as a job of its own",
    "network": "downloads a tool",
}
"""The words behind `sh`, and why a fence with that word is not run."""

SHELLS = ("sh", "bash", "shell", "console", "zsh")


@dataclass(frozen=True)
class Fence:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    label: str
    """What follows the language."""
    text: str

    @property
    def place(self) -> str:
        """Return its file and line, as editors write it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def runs(self) -> bool:
        """Return whether a test runs it."""
        return self.language == "sh" and self.label == ""


def pages() -> list[Path]:
    """List every page that readers copy commands from."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md", "SECURITY.md")]
    client = ROOT / "services/webrtc-agent/client/README.md"
    return [*top, client, *sorted((ROOT / "docs").rglob("*.md"))]


def fences(page: Path) -> Iterator[Fence]:
    """Yield the fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^ *```(\S*)[ ]*(.*)\n((?:.*\n)*?) *```$", text, re.MULTILINE):
        yield Fence(page, text.count("\n", 0, found.start()) + 1, found[1], found[2].strip(), found[3])


def shell_fences() -> list[Fence]:
    """List the blocks of shell commands of all pages."""
    return [fence for page in pages() for fence in fences(page) if fence.language in SHELLS]


def commands(text: str) -> str:
    """Return the shell commands of a page's text as one script, whatever their label."""
    return "\n".join(re.findall(r"^```sh(?: [a-z]+)?\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
