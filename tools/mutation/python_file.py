"""Maps positions of the syntax tree (lines and bytes) to offsets in a source file's text."""

from __future__ import annotations

import ast
import io
import itertools
import tokenize
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@dataclass(frozen=True)
class Edit:
    """A range of the text, and its replacement."""

    start: int
    end: int
    text: str
    operator: str
    """The kind of mutation, for example "comparison"."""


class PythonFile:
    """The text of one Python file, its syntax tree and its tokens."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._lines = text.split("\n")
        # Offsets of the lines' first characters.
        self._starts = [0, *itertools.accumulate(len(line) + 1 for line in self._lines)]
        self._tokens = list(self._read_tokens())
        self._token_starts = [start for start, _ in self._tokens]

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Return the offset of a node's start."""
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Return the offset of a node's end."""
        assert node.end_lineno is not None  # noqa: S101 - `ast.parse` always sets it
        assert node.end_col_offset is not None  # noqa: S101 - the same
        return self._offset(node.end_lineno, node.end_col_offset)

    def line(self, offset: int) -> int:
        """Return the line number at an offset."""
        return self.text.count("\n", 0, offset) + 1

    def tokens(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the ranges of the tokens between two offsets, without comments and parentheses."""
        first, last = (bisect_left(self._token_starts, offset) for offset in (start, end))
        # Parentheses around an operand are no part of the operator.
        return [span for span in self._tokens[first:last] if self.text[slice(*span)] not in "()"]

    def edited(self, edit: Edit) -> str:
        """Return the text with one edit applied."""
        return self.text[: edit.start] + edit.text + self.text[edit.end :]

    def _offset(self, line: int, column: int) -> int:
        text = self._lines[line - 1]
        if not text.isascii():  # the tree's columns count bytes
            column = len(text.encode()[:column].decode())
        return self._starts[line - 1] + column

    def _read_tokens(self) -> Iterator[tuple[int, int]]:
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type not in _NO_CODE:
                (first, start), (last, end) = token.start, token.end
                # The tokenizer counts characters, the tree bytes.
                yield self._starts[first - 1] + start, self._starts[last - 1] + end
