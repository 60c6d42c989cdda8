"""Mutate inputs: damage bytes, and change the meaning of JSON, lines and forms."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import orjson

MAX_CASE = 70_000
"""Bytes of one case: slightly above every bound of the product, so that cases reach the bounds too."""

_MOST = 2000
"""Members of a list: copies of copies would fill the machine instead of testing the product."""

_NUMBERS = (0, 1, -1, 2**31, 2**53, 2**63 - 1, -(2**63), 0.5, 1e308, -0.0)
_TEXTS = (
    *("", "0", "-1", "inbound", "media", "start", "SPECULATIVE", "END_TURN", "null", "1e400", "9" * 20, "9" * 5000),
    *(
        "\x00",
        "\ud7ff",
        "\u2028",
        "٣",
        "²",
        "é" * 40,
        "../..",
        "%00",
        "{}",
        "[]",
        '{"a":' * 30,
        "A" * 2000,
        "=",
        "AA==",
    ),
)
_BYTES = (
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b'"',
    b"\\",
    b"{",
    b"[",
    b"}",
    b"\r\n",
    b"%",
    b"&",
    b"=",
)

type Json = Any


class Mutator:
    """Makes new cases out of old ones; the same seed makes the same cases."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - must be repeatable

    def one_in(self, count: int) -> bool:
        """Return True once in so many times."""
        return self.random.randrange(count) == 0

    def pick[T](self, choices: Sequence[T]) -> T:
        """Choose one."""
        return choices[int(self.random.random() * len(choices))]

    def damage(self, case: bytes) -> bytes:
        """Change, remove, repeat or insert a few bytes."""
        for _ in range(1 + int(self.random.random() * 3)):
            case = self.pick(_DAMAGES)(self, case)
        return case[:MAX_CASE]

    def flip(self, case: bytes) -> bytes:
        """Flip one bit."""
        if not case:
            return case
        at = int(self.random.random() * len(case))
        return case[:at] + bytes((case[at] ^ (1 << int(self.random.random() * 8)),)) + case[at + 1 :]

    def cut(self, case: bytes) -> bytes:
        """Remove a piece."""
        at, length = self._piece(case)
        return case[:at] + case[at + length :]

    def repeat(self, case: bytes) -> bytes:
        """Repeat a piece, once or very often."""
        at, length = self._piece(case)
        times = self.pick((2, 2, 2, 3, 50))
        return case[:at] + case[at : at + length] * times + case[at + length :]

    def insert(self, case: bytes) -> bytes:
        """Insert a text that parsers often mishandle."""
        at = int(self.random.random() * (len(case) + 1))
        return case[:at] + self.pick(_BYTES) + case[at:]

    def _piece(self, case: bytes) -> tuple[int, int]:
        at = int(self.random.random() * (len(case) + 1))
        return at, min(int(self.random.expovariate(0.1)) + 1, 4000)

    def json(self, case: bytes) -> bytes:
        """Change the meaning of a JSON text; damage a text that is not JSON."""
        try:
            tree = orjson.loads(case)
        except orjson.JSONDecodeError:
            return self.damage(case)
        for _ in range(1 + int(self.random.random() * 3)):
            tree = self.tree(tree)
        try:
            return orjson.dumps(tree)[:MAX_CASE]
        except TypeError:  # too deep, or a number that is too large to write
            return self.damage(case)

    def tree(self, tree: Json, depth: int = 0) -> Json:
        """Change one place of a tree."""
        inside = isinstance(tree, dict | list) and tree and depth < 6 and not self.one_in(4)
        if not inside:
            return self._other(tree)
        if isinstance(tree, dict):
            return self._member(dict(tree), depth)
        changed = list(tree)
        at = int(self.random.random() * len(changed))
        match int(self.random.random() * 4):
            case 0:
                del changed[at]
            case 1:
                changed = (changed * self.pick((2, 60)))[:_MOST]
            case _:
                changed[at] = self.tree(changed[at], depth + 1)
        return changed

    def _member(self, tree: dict[str, Json], depth: int) -> Json:
        name = self.pick(list(tree))
        match int(self.random.random() * 7):
            case 0:
                del tree[name]
            case 1:
                tree[self.pick((*tree, *_TEXTS))] = tree.pop(name)
            case 2:
                tree[self.pick(_TEXTS)] = tree[name]
            case _:
                tree[name] = self.tree(tree[name], depth + 1)
        return tree

    def _other(self, old: Json) -> Json:
        """Return another value, mostly of another type."""
        if isinstance(old, str) and self.one_in(3):
            return self.pick((self.damage(old.encode()).decode(errors="replace"), old * 2, (old * 500)[:MAX_CASE]))
        others: tuple[Json, ...] = (None, True, [], [old], [old] * 3, {"content": old})
        return self.pick((self.pick(_NUMBERS), self.pick(others), self.pick(_TEXTS)))

    def lines(self, case: bytes, separator: bytes) -> bytes:
        """Drop, repeat, swap, borrow or damage whole lines."""
        lines = case.split(separator)
        for _ in range(1 + int(self.random.random() * 3)):
            at, other = (int(self.random.random() * len(lines)) for _ in range(2))
            match int(self.random.random() * 6):
                case 0 if len(lines) > 1:
                    del lines[at]
                case 1:
                    lines[at:at] = [lines[other]] * self.pick((1, 1, 2, 2000))
                case 2:
                    lines[at], lines[other] = lines[other], lines[at]
                case 3:
                    lines[at] = self.number(lines[at])
                case _:
                    lines[at] = self.damage(lines[at])
        return separator.join(lines)[:MAX_CASE]

    def number(self, line: bytes) -> bytes:
        """Put another number where one stands."""
        words = line.split(b" ")
        at = int(self.random.random() * len(words))
        words[at] = self.pick((b"0", b"-1", b"65536", b"256", b"9" * 20, b"9" * 5000, b"1e5", "٣".encode(), b""))
        return b" ".join(words)


_DAMAGES: tuple[Callable[[Mutator, bytes], bytes], ...] = (Mutator.flip, Mutator.cut, Mutator.repeat, Mutator.insert)
