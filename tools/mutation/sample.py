"""Selects mutations at random, reproducibly, and spread over the whole code base."""

from __future__ import annotations

import ast
import random
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.mutation.operators import edits
from tools.mutation.python_file import Edit, PythonFile
from tools.workspace import members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

type Part = tuple[str, str]
"""A package and its subpackage; "" for modules directly in the package."""

_SHOWN = 60


@dataclass(frozen=True)
class Mutant:
    """One mutation of one file."""

    number: int
    package: str
    file: str
    """Path relative to the repository."""
    line: int
    operator: str
    before: str
    after: str
    original: str
    """The whole file before, and below after the mutation."""
    mutated: str

    @property
    def place(self) -> str:
        """File and line, in the form that editors open."""
        return f"{self.file}:{self.line}"


@dataclass
class _File:
    """A file, with its mutations that have not been selected."""

    name: str
    part: Part
    source: PythonFile
    edits: list[Edit]


def sample(root: Path, *, count: int, seed: int) -> list[Mutant]:
    """Select mutations: at least one per package, the others in proportion to the size of the subpackages.

    Within a subpackage, no file gets a second mutation before every other file has one, and operators take turns.

    Returns:
        The mutations; fewer than `count` if the code has no more.
    """
    chance = random.Random(seed)  # noqa: S311 - a sample has to be repeatable, not secret
    parts: dict[Part, list[_File]] = {}
    # By part, in the order of the files, so that the sample does not depend on the file system.
    for file in _files(root):
        parts.setdefault(file.part, []).append(file)
    sizes = {part: sum(len(file.edits) for file in files) for part, files in parts.items()}
    used: Counter[str] = Counter()
    chosen: list[tuple[_File, Edit]] = []
    for part, wanted in _shares(sizes, count, chance).items():
        for _ in range(wanted):
            chosen.extend(_draw(parts[part], [file.name for file, _ in chosen], used, chance))
    # Numbered in the order of the files, for reading.
    order = [file.name for files in parts.values() for file in files]
    chosen.sort(key=lambda one: (order.index(one[0].name), one[1].start))
    return [_mutant(number, file, edit) for number, (file, edit) in enumerate(chosen, 1)]


def _files(root: Path) -> Iterator[_File]:
    for member in members(root):
        for path in sorted((root / member / "src").rglob("*.py")):
            package, *below = path.relative_to(root / member / "src").parts
            source = PythonFile(path.read_bytes().decode("utf-8"))
            part = (package, below[0] if len(below) > 1 else "")
            yield _File(path.relative_to(root).as_posix(), part, source, edits(source))


def _shares(sizes: Mapping[Part, int], count: int, chance: random.Random) -> Counter[Part]:
    """Return the number of mutations for each part."""
    packages = list(dict.fromkeys(package for package, _ in sizes))
    shares: Counter[Part] = Counter()
    # At least one for each package, if there are enough.
    for package in chance.sample(packages, min(count, len(packages))):
        parts = [part for part in sizes if part[0] == package]
        shares[chance.choices(parts, [sizes[part] for part in parts])[0]] += 1
    # Systematic sampling: marks at equal distances in the list of all mutations, so that each part gets its share,
    # give or take one.
    rest = count - shares.total()
    marks = [(chance.random() + number) * sum(sizes.values()) / rest for number in range(rest)]
    passed = 0
    for part, size in sizes.items():
        passed += size
        while marks and marks[0] < passed:
            marks.pop(0)
            shares[part] += 1
    return shares


def _draw(
    files: Sequence[_File], names: Sequence[str], used: Counter[str], chance: random.Random
) -> list[tuple[_File, Edit]]:
    """Select one mutation that compiles; empty if there is none left."""
    left = [file for file in files if file.edits]
    while left:
        fewest = min(names.count(file.name) for file in left)
        # Files with the fewest mutations so far, weighted by how many they offer.
        fresh = [file for file in left if names.count(file.name) == fewest]
        file = chance.choices(fresh, [len(each.edits) for each in fresh])[0]
        kinds = sorted({edit.operator for edit in file.edits})
        chance.shuffle(kinds)
        # The kind that has been used least.
        kind = min(kinds, key=lambda each: used[each])
        edit = chance.choice([each for each in file.edits if each.operator == kind])
        file.edits.remove(edit)
        # Some edits give no valid program, for example "continue" outside of a loop.
        if _compiles(file.source.edited(edit)):
            used[kind] += 1
            return [(file, edit)]
        left = [file for file in files if file.edits]
    return []


def _compiles(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(ast.parse(text), "mutant", "exec")
        except SyntaxError:
            return False
    return True


def _mutant(number: int, file: _File, edit: Edit) -> Mutant:
    text, mutated = file.source.text, file.source.edited(edit)
    before = _shown(text, edit, edit.end)
    after = _shown(mutated, edit, edit.start + len(edit.text))
    line = file.source.line(edit.start)
    return Mutant(number, file.part[0], file.name, line, edit.operator, before, after, text, mutated)


def _shown(text: str, edit: Edit, end: int) -> str:
    """Return the lines that an edit touches as one shortened line that contains the edit."""
    first = text.rfind("\n", 0, edit.start) + 1
    last = text.find("\n", end)
    lead = text[first : edit.start].lstrip()
    # Show the end of a long beginning, which is next to the change.
    if len(lead) > _SHOWN // 2:
        lead = "…" + lead[-_SHOWN // 2 :]
    shown = " ".join((lead + text[edit.start : last if last >= 0 else None]).split())
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
