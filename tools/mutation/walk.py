"""Walks those parts of a syntax tree whose mutation says something about the tests.

Skips annotations that only type checkers read, `__main__` guards, messages of assertions and log events, log levels,
and options of classes.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPE_FORMS = {"Literal", "Annotated"}
_GUARDS = {"TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'"}
_LOGS = {"log", "logger", "_log", "_logger"}


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and its descendants that may be mutated."""
    yield node
    # By identity: equal nodes may occur in other places, where they count.
    left_out = {id(each) for each in (*_only_for_types(node), *_without_effect(node))}
    for child in ast.iter_child_nodes(node):
        if id(child) not in left_out:
            yield from walk(child)


def _only_for_types(node: ast.AST) -> Iterator[ast.AST | None]:
    match node:
        case ast.TypeAlias() | ast.arg() | ast.AnnAssign(annotation=ast.Name("TypeAlias")):
            # Annotations are not evaluated.
            yield from ast.iter_child_nodes(node)
        case ast.Subscript(value=form) if _last_name(form) in _TYPE_FORMS:
            yield from ast.iter_child_nodes(node)
        case ast.AnnAssign(annotation=annotation):
            yield annotation
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from (node.returns, *node.type_params)
        case ast.ClassDef():
            yield from (*node.bases, *node.keywords, *node.type_params)


def _without_effect(node: ast.AST) -> Iterator[ast.AST | None]:
    match node:
        case ast.If(test=test, body=body) if ast.unparse(test) in _GUARDS:
            # Code for type checkers, and the start of a script.
            yield from (test, *body)
        case ast.Assert(msg=message):
            yield message
        case ast.ClassDef(decorator_list=decorators):
            yield from (each for each in decorators if "dataclass" in ast.unparse(each))
        case ast.Call(func=ast.Attribute(value=receiver), args=arguments) if _last_name(receiver) in _LOGS:
            # The texts of log lines; their other arguments count.
            yield from (each for each in arguments if isinstance(each, ast.JoinedStr))
        case ast.keyword(arg=str(name), value=value) if _is_level(name):
            yield value
        case ast.AnnAssign(target=ast.Name(name), value=value) if _is_level(name):
            yield value
        case ast.arguments():
            yield from (value for name, value in _defaults(node) if _is_level(name))


def _defaults(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr | None]]:
    positional = reversed([*arguments.posonlyargs, *arguments.args])  # defaults belong to the last arguments
    yield from ((each.arg, value) for each, value in zip(positional, reversed(arguments.defaults), strict=False))
    yield from ((each.arg, value) for each, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))


def _is_level(name: str) -> bool:
    return name.endswith("level")


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]
