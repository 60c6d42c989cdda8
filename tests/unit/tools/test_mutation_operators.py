"""The mutations of one file: what changes, what does not, and that no other byte moves."""

import ast

import pytest

from tools.mutation.operators import edits
from tools.mutation.python_file import PythonFile


def mutated(text: str) -> list[str]:
    """Return the file with each of its mutations."""
    source = PythonFile(text)
    return [source.edited(edit) for edit in edits(source)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a < b", ["a <= b"]),
        ("a == b != c", ["a != b != c", "a == b == c"]),
        ("a in b", ["a not in b"]),
        ("a  not   in b", ["a  in b"]),
        ("a is not b", ["a is b"]),
        ("(a) is (b)", ["(a) is not (b)"]),
        ("a and b and c", ["a or b and c", "a and b or c"]),
        ("not a", ["a"]),
        ("not (a)", ["(a)"]),
        ("a + b - c", ["a + b + c", "a - b - c"]),
        ("a * b", ["a / b"]),
        ("a += b", ["a -= b"]),
        ("a = -7", ["a = -8"]),
        ("a = 0xFF", ["a = 0x100"]),
        ("a = 1_000", ["a = 1_001"]),
        ("a = 0.5", ["a = 1.5"]),
        ("a = True", ["a = False"]),
        ("while a: break", ["while a: continue"]),
        ("if a: raise b from c", ["if a: pass"]),
        ("def f(): return a", ["def f(): return None"]),
        ("async def f(): await a()", ["async def f(): pass"]),
        ("a = f'{b}<{c + d}'", ["a = f'{b}<{c - d}'"]),
        ("å = 'å' if ö < ä else ü  # < å", ["å = 'å' if ö <= ä else ü  # < å"]),
    ],
)
def test_a_mutation_changes_its_own_tokens_and_nothing_else(before: str, after: list[str]) -> None:
    """A mutation changes only its tokens: comments, spaces and multi-byte characters stay in place."""
    assert mutated(before) == after


def test_an_operator_is_found_on_another_line_than_its_operands() -> None:
    """An operator is found on another line than its operands, even with a comment in between."""
    before = "a = (\n    b  # < and or\n    < c\n)\n"
    assert mutated(before) == [before.replace("    < c", "    <= c")]


@pytest.mark.parametrize(
    "text",
    [
        'def f():\n    """Three < 4 and 5."""\n',
        "if TYPE_CHECKING:\n    a = 1\n",
        "if __name__ == '__main__':\n    f(1)\n",
        "type A = Literal[1]\n",
        "A: TypeAlias = Literal[True]\n",
        "A = Annotated[int, 3]\n",
        "def f(a: Literal[1]) -> Literal[2]: pass\n",
        "a: Annotated[int, 3 + 4]\n",
        "assert a, 3 + b\n",
        "log.info(f'{a + b}')\n",
        "self._log.info(f'{a + b}')\n",
        "log_level: int = 20\n",
        "def f(level=20, *, log_level=30): pass\n",
        "f(stacklevel=2)\n",
        "@dataclass(frozen=True)\nclass A: pass\n",
        "class A(B, total=False): pass\n",
        "a = 'b' + c\n",
        "a = b / 'c'\n",
        "a = [*b] + [c]\n",
        "def f(): return None\n",
    ],
)
def test_what_tests_need_not_notice_is_left_alone(text: str) -> None:
    """Types, guards, messages, log levels and what could only raise a TypeError are not mutated."""
    assert mutated(text) == []


def test_what_stands_beside_the_exceptions_is_mutated() -> None:
    """The other branch of a guard, the fields of a log event and other defaults are mutated."""
    assert mutated("if TYPE_CHECKING:\n    a = 1\nelse:\n    a = 2\n") == [
        "if TYPE_CHECKING:\n    a = 1\nelse:\n    a = 3\n"
    ]
    assert mutated("log.info('a', b=c + d)") == ["log.info('a', b=c - d)"]
    assert mutated("def f(a, level=20, *, b=1): pass") == ["def f(a, level=20, *, b=2): pass"]
    assert mutated("assert a < b, c < d") == ["assert a <= b, c < d"]


def test_every_mutation_is_another_program() -> None:
    """Every mutation compiles and differs from the original program."""
    text = "def f(a, b):\n    while not a:\n        b += 1 if a else 2.5\n    return (a or b) - 1"
    programs = {ast.dump(ast.parse(each)) for each in mutated(text)} - {ast.dump(ast.parse(text))}
    assert len(programs) == len(mutated(text)) == 8
