"""Check the English of the repository: `python -m tools.wording [PREFIX...]` prints each finding by file and line.

It reads prose only: Markdown outside code, docstrings, comments and Makefile help. Quotations and code spans are left
out. A regular expression finds the prose, because a real tokenizer takes several times as long.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tools.workspace import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MOST_PER_10_000 = 1
"""Most uses of each telltale word in ten thousand words: pronouns and a passive where a role or an actor belongs."""
TELLTALE = ("whoever", "nobody", "somebody", "whom", "told")
LEAST_COMMENTS = 4
"""Lines with a comment per hundred lines of code, in each Python package."""
_SMALL = 50
"""A package with fewer lines of code has no density worth a judgement."""

BANNED: Mapping[str, tuple[str, str]] = {
    "for ever": (r"for ever\b", "forever, indefinitely"),
    "mend": (r"mend(?:s|ed|ing)?\b", "fix"),
    "heed": (r"heed(?:s|ed|ing)?\b", "react to, follow"),
    "by itself": (r"by (?:itself|themselves)\b", "automatically, on its own"),
    "goes on": (r"(?:goes|go|going|went) on\b", "continues"),
    "give back": (r"(?:give|gives|gave|given|giving) back\b", "return"),
    "is told": (r"(?:is|are|was|were|be) (?:told|believed)\b", "name the actor: X notifies, X trusts"),
    "it is no": (r"(?:it|this|that|which|what|they) (?:is|are) no (?!longer|more|one)", "is not a"),
    "for want of": (r"for want of\b", "for lack of"),
    "parked": (r"park(?:ed|ing)\b", "pre-warmed"),
    "put through": (r"(?:put|puts|putting) (?:\w+ )?through to\b", "transfer"),
    "sound": (r"(?:some|any|no|pieces? of|milliseconds of|seconds of|'s) sound\b", "audio"),
    "sound travels": (r"sound (?:travels|goes|comes|came|arrives|flows)\b", "audio"),
}
"""Terms that this code base does not use: a name, a pattern that begins at a word, and what to write."""

NOT_PROSE = ("/prompts/", "LICENSE")
"""Parts of paths of texts that are input for a program: their wording is behaviour."""

FIRST_WORDS = frozenset({"give", "gives", "note", "notes", "tell", "tells", "mend"})
"""A docstring does not begin with these: it returns, records, notifies or fixes something."""

ALLOWED: Mapping[tuple[str, str], str] = {}
"""Findings that are right as they are, by path and name of the term, each with its reason."""

_PYTHON = re.compile(
    r"""(?P<long>(?P<quotes>\"{3}|'{3})(?P<text>.*?)(?<!\\)(?P=quotes))"""
    r"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
    r"""|(?P<comment>\#[^\n]*)""",
    re.DOTALL,
)
_TYPESCRIPT = re.compile(r"/\*(?P<block>.*?)\*/|(?:(?<=\s)|^)//(?P<line>[^\n]*)", re.DOTALL | re.MULTILINE)
_HASH = re.compile(r"(?:(?<=\s)|^)\#(?P<line>[^\n]*)", re.MULTILINE)
_CODE = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)|<!--.*?-->|\]\([^)]*\)", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"``.+?``|`[^`\n]+`|“[^”]*”|\"[^\"\n]*\"|https?://\S+")
_DIRECTIVE = re.compile(
    r"#\s*(?:noqa(?:: [A-Z]+\d+(?:, ?[A-Z]+\d+)*)?|type: ignore(?:\[[^\]]*\])?|(?:fmt|ruff|pragma|mypy): [\w: ,-]+?)"
    r"(?:\s+-\s+|\s*(?=#|$))"
)
_HASHED = (".yaml", ".yml", ".toml", ".sh", ".in", "Dockerfile")


class Finding(NamedTuple):
    """One place to rewrite."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Prose:
    """A docstring, a comment, or the text of a Markdown page; everything that is not prose is blank."""

    path: str
    line: int
    text: str
    is_docstring: bool = False


@dataclass
class Report:
    """What was found in some texts."""

    words: int = 0
    findings: list[Finding] = field(default_factory=list)
    telltales: dict[str, list[Finding]] = field(default_factory=dict)

    @property
    def too_many(self) -> list[Finding]:
        """The places of the telltale words that are used too often; one use is always allowed."""
        most = max(1, self.words * MOST_PER_10_000 // 10_000)
        return [place for found in self.telltales.values() if len(found) > most for place in found]


@dataclass
class Density:
    """Lines of one Python package."""

    code: int = 0
    comments: int = 0

    @property
    def is_enough(self) -> bool:
        """Whether there are enough comments, or too little code to judge."""
        return self.code < _SMALL or self.comments * 100 >= LEAST_COMMENTS * self.code


def tracked(prefixes: Sequence[str] = ()) -> list[str]:
    """Return the paths of the files that git tracks or would track, below any of the prefixes."""
    # New files count before they are added, so that a check before the commit sees them.
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *prefixes]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def read(path: str) -> tuple[list[Prose], Density]:
    """Return the prose of a file, and its lines where it is Python."""
    if path.endswith(".py"):
        return _python(path, (ROOT / path).read_text(encoding="utf-8"))
    if path.endswith((".ts", ".tsx", ".mjs", ".css")):
        return list(_matches(path, _TYPESCRIPT)), Density()
    if path.endswith(".md") and not any(part in path for part in NOT_PROSE):
        return [Prose(path, 1, _CODE.sub(_blank, (ROOT / path).read_text(encoding="utf-8")))], Density()
    if path.endswith("Makefile"):
        # The text of `make help` is a comment too.
        return list(_matches(path, _HASH)), Density()
    return (list(_matches(path, _HASH)) if path.endswith(_HASHED) else []), Density()


def _matches(path: str, pattern: re.Pattern[str]) -> Iterator[Prose]:
    text = (ROOT / path).read_text(encoding="utf-8")
    for found in pattern.finditer(text):
        yield Prose(path, text.count("\n", 0, found.start()) + 1, "".join(filter(None, found.groups())))


def _blank(found: re.Match[str]) -> str:
    """Replace code by its line ends, so that lines keep their numbers."""
    return "\n" * found.group().count("\n") or " "


def _python(path: str, text: str) -> tuple[list[Prose], Density]:
    texts: list[Prose] = []
    prose_lines: set[int] = set()
    commented: set[int] = set()
    # Lines are counted from match to match: counting from the start each time would be quadratic.
    line = at = 0
    for found in _PYTHON.finditer(text):
        line += text.count("\n", at, found.start())
        at = found.start()
        if found["comment"] is not None:
            # A directive counts only with its reason.
            if words := _DIRECTIVE.sub("", found["comment"]).strip("# "):
                _add_comment(texts, path, line + 1, words)
                commented.add(line)
            if not text[text.rfind("\n", 0, at) + 1 : at].strip():
                prose_lines.add(line)
        elif found["long"] is not None and _stands_alone(text, at):
            texts.append(Prose(path, line + 1, found["text"], is_docstring=True))
            prose_lines.update(range(line, line + found.group().count("\n") + 1))
    lines = text.split("\n")
    code = sum(1 for number, one in enumerate(lines) if number not in prose_lines and one.strip())
    return texts, Density(code, len(commented))


def _add_comment(texts: list[Prose], path: str, line: int, words: str) -> None:
    """Add a comment, or join it to the one of the line before: a term may be broken over two lines."""
    if texts and not texts[-1].is_docstring and texts[-1].line + texts[-1].text.count("\n") + 1 == line:
        texts[-1] = Prose(path, texts[-1].line, f"{texts[-1].text}\n{words}")
    else:
        texts.append(Prose(path, line, words))


def _stands_alone(text: str, at: int) -> bool:
    """Return whether a string is a statement: it begins its line, and continues no expression."""
    start = text.rfind("\n", 0, at) + 1
    if text[start:at].strip() not in ("", "r"):
        return False
    # An argument on its own line is code: what comes before it is an open bracket or an operator.
    before = text[max(0, start - 400) : start].rstrip()
    return not before.endswith(("(", "[", "{", ",", "=", "+", "%", "\\", "return", "'", "yield"))


def scan(texts: Iterable[Prose]) -> Report:
    """Return every banned term, every docstring with a wrong first word, and every telltale word."""
    report = Report()
    for prose in texts:
        words = prose.text.lower().translate(_NO_PUNCTUATION).split()
        report.words += len(words)
        if prose.is_docstring and words and words[0] in FIRST_WORDS:
            text = f"a docstring begins with “{words[0].title()}”: write Return, Record or Notify"
            report.findings.append(Finding(prose.path, prose.line, text))
        # Looking the words up is much faster than the pattern, and most texts have none of them.
        if not _TRIGGERS.isdisjoint(words):
            _scan(prose, report)
    return report


def _scan(prose: Prose, report: Report) -> None:
    # Lower case costs one pass, and a pattern that ignores case costs more than twice as much.
    plain = _SPAN.sub(_blank, prose.text.lower())
    for found in _PATTERN.finditer(plain):
        said = " ".join(found.group().split())
        line = prose.line + plain.count("\n", 0, found.start())
        if found.lastgroup == "telltale":
            place = Finding(prose.path, line, f"“{said}”: name the role or the actor")
            report.telltales.setdefault(said, []).append(place)
            continue
        term = _NAMES[str(found.lastgroup)]
        if (prose.path, term) not in ALLOWED:
            report.findings.append(Finding(prose.path, line, f"“{said}”: write {BANNED[term][1]}"))


def densities(files: Mapping[str, Density]) -> dict[str, Density]:
    """Return the lines of each package, by its folder; tests explain themselves by their docstrings."""
    packages: dict[str, Density] = defaultdict(Density)
    for path, one in files.items():
        if path.startswith("tests/"):
            continue
        package = packages[path.rpartition("/")[0]]
        package.code += one.code
        package.comments += one.comments
    return dict(packages)


_NAMES = {f"term{number}": name for number, name in enumerate(BANNED)}
_PATTERN = re.compile(
    r"\b(?:"
    + "|".join(rf"(?P<{group}>{BANNED[name][0]})".replace(" ", r"\s+") for group, name in _NAMES.items())
    + rf"|(?P<telltale>(?:{'|'.join(TELLTALE)})\b))"
)
_TRIGGERS = frozenset(TELLTALE) | frozenset(
    {"ever", "mend", "mends", "mended", "mending", "heed", "heeds", "heeded", "heeding", "itself", "themselves"}
    | {"on", "back", "believed", "no", "want", "parked", "parking", "through", "sound"}
)
"""A text without any of these words holds no term and no telltale word."""
_NO_PUNCTUATION = str.maketrans(dict.fromkeys(".,;:!?()[]{}<>*_#-\"'`/|\u2013\u2014\u2026", " "))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every finding below the prefixes; return 1 if there is one."""
    parser = argparse.ArgumentParser(prog="python -m tools.wording", description=__doc__)
    parser.add_argument("prefixes", nargs="*", help="paths to check; default: the whole repository")
    files = {path: read(path) for path in tracked(parser.parse_args(arguments).prefixes)}
    report = scan(prose for texts, _ in files.values() for prose in texts)
    # By path and line, as an editor walks through them.
    places = sorted([*report.findings, *report.too_many])
    packages = densities({path: lines for path, (_, lines) in files.items()})
    sparse = {name: lines for name, lines in sorted(packages.items()) if not lines.is_enough}
    for place in places:
        print(place)
    for name, lines in sparse.items():
        print(f"{name}: {lines.comments} comments in {lines.code} lines of code; at least {LEAST_COMMENTS} per 100")
    counts = (f"{word} {len(report.telltales.get(word, ()))}" for word in TELLTALE)
    print(f"{report.words} words; {', '.join(counts)}")
    return 1 if places or sparse else 0


if __name__ == "__main__":
    sys.exit(main())
