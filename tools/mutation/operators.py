"""Mutation operators: each inspects one node of the syntax tree and yields edits of the text."""

from __future__ import annotations

import ast
from itertools import pairwise
from typing import TYPE_CHECKING

from tools.mutation.python_file import Edit, PythonFile
from tools.mutation.walk import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COMPARISONS = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "in": "not in",
    "not in": "in",
    "is": "is not",
    "is not": "is",
}
_BOOLEAN = {"and": "or", "or": "and"}
_ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "+=": "-=", "-=": "+=", "*=": "/=", "/=": "*="}
_TEXT_OR_LIST = (ast.JoinedStr, ast.List, ast.Tuple)


def edits(source: PythonFile) -> list[Edit]:
    """Return every mutation of a file."""
    return [edit for node in walk(source.tree) for edit in (*_swapped(node, source), *_replaced(node, source))]


def _swapped(node: ast.AST, source: PythonFile) -> Iterator[Edit]:
    match node:
        case ast.Compare(left=left, comparators=others):
            yield from _swap(source, "comparison", _COMPARISONS, [left, *others])
        case ast.BoolOp(values=values):
            yield from _swap(source, "and/or", _BOOLEAN, values)
        # Most operators other than + fail on texts and lists, and such a mutant is caught by any test.
        case ast.BinOp(left=left, right=right) if not (_is_text_or_list(left) or _is_text_or_list(right)):
            yield from _swap(source, "arithmetic", _ARITHMETIC, [left, right])
        case ast.AugAssign(target=target, value=value) if not _is_text_or_list(value):
            yield from _swap(source, "arithmetic", _ARITHMETIC, [target, value])


def _replaced(node: ast.AST, source: PythonFile) -> Iterator[Edit]:
    match node:
        case ast.UnaryOp(op=ast.Not()):
            yield Edit(source.start(node), _after_not(source, node), "", "not")
        # bool before int, because True is an int.
        case ast.Constant(value=bool(value)):
            yield _replace(source, node, str(not value), "boolean")
        case ast.Constant(value=int() | float()):
            yield _replace(source, node, _one_more(source.text[source.start(node) : source.end(node)]), "number")
        # A function that returns None already would not change.
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield _replace(source, value, "None", "return")
        case ast.Break():
            yield _replace(source, node, "continue", "break")
        case ast.Raise():
            yield _replace(source, node, "pass", "raise")
        case ast.Expr(value=ast.Await()):
            yield _replace(source, node, "pass", "await")


def _replace(source: PythonFile, node: ast.expr | ast.stmt, text: str, operator: str) -> Edit:
    return Edit(source.start(node), source.end(node), text, operator)


def _swap(source: PythonFile, operator: str, other: dict[str, str], operands: Sequence[ast.expr]) -> Iterator[Edit]:
    """Replace the operator between two operands; `not in` and `is not` are two tokens."""
    for left, right in pairwise(operands):
        # "not in" and "is not" are two tokens.
        tokens = source.tokens(source.end(left), source.start(right))
        words = " ".join(source.text[slice(*token)] for token in tokens)
        if words in other:
            yield Edit(tokens[0][0], tokens[-1][1], other[words], operator)


def _after_not(source: PythonFile, node: ast.UnaryOp) -> int:
    """Return the start of a `not`'s operand, including its parentheses."""
    after = source.start(node) + len("not")
    # Remove the blanks behind "not" as well.
    return after + len(source.text[after:]) - len(source.text[after:].lstrip())


def _one_more(number: str) -> str:
    """Return a number plus one, in the same notation."""
    value = ast.literal_eval(number)
    if isinstance(value, float):
        return repr(value + 1)
    base = number[:2].lower()
    # Keep the base in which the number is written.
    written = {"0x": f"{value + 1:#x}", "0b": f"{value + 1:#b}", "0o": f"{value + 1:#o}"}
    return written.get(base, f"{value + 1:_}" if "_" in number else str(value + 1))


def _is_text_or_list(node: ast.expr) -> bool:
    """Return whether another operator on this operand could only raise a TypeError."""
    return isinstance(node, _TEXT_OR_LIST) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
