"""Hold the English plain, and the reasons beside dense code."""

from functools import cache
from pathlib import Path

import pytest

from tools import wording
from tools.wording import Density, Prose, Report


@cache
def everything() -> tuple[Report, dict[str, Density]]:
    """Scan all files once."""
    files = {path: wording.read(path) for path in wording.tracked()}
    report = wording.scan(prose for texts, _ in files.values() for prose in texts)
    return report, wording.densities({path: lines for path, (_, lines) in files.items()})


def scan_file(path: Path, text: str) -> tuple[Report, Density]:
    """Write a file, and scan it."""
    path.write_text(text, encoding="utf-8")
    texts, lines = wording.read(str(path))
    return wording.scan(texts), lines


def test_prose_has_no_banned_term() -> None:
    """Each finding names the file, the line and what to write; `python -m tools.wording PATH` prints them."""
    report, _ = everything()
    assert report.words > 40_000
    assert [str(place) for place in report.findings] == []


def test_prose_names_roles_and_actors() -> None:
    """A pronoun in place of a role appears at most once in ten thousand words."""
    report, _ = everything()
    assert [str(place) for place in report.too_many] == []


def test_every_package_gives_reasons() -> None:
    """At least four of a hundred lines of code have a comment, in each package."""
    _, packages = everything()
    assert len(packages) > 10
    sparse = {name: f"{one.comments} in {one.code}" for name, one in packages.items() if not one.is_enough}
    assert sparse == {}


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.py", '"""Return a stream.\n\nIt goes\non.\n"""\n', 3),
        ("a.py", "x = 1\n\n# This lasts for\n# ever.\n", 3),
        ("a.py", "def f():\n    pass  # noqa: S101 - it is no error\n", 2),
        ("a.py", 'x = 1\n"""Give a number."""\n', 2),
        ("a.md", "# Title\n\n```sh\nmend\n```\n\nMend it.\n", 7),
        ("a.ts", "const a = 1;\n/** Plays the caller's sound. */\n", 2),
        ("Makefile", "\nfix: other ## mend it\n", 2),
        ("a.yaml", "a: 1\n# It is told.\n", 2),
    ],
)
def test_a_term_is_found_on_its_line(tmp_path: Path, name: str, text: str, line: int) -> None:
    """Also where it is broken over two lines, behind code, and in each kind of file."""
    report, _ = scan_file(tmp_path / name, text)
    assert [place.line for place in report.findings] == [line]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", 'x = "goes on"\ny = """\ngoes on\n"""\nz = f(\n    """goes on"""\n)\n'),
        ("a.py", '"""Say “it goes on”, or `goes on`."""\n'),
        ("a.md", "Say `goes on`, or “it goes on”.\n\n```\ngoes on\n```\n<!-- goes on -->\n"),
        ("a.ts", 'const a = "goes on"; const b = "https://goes on";\n'),
        ("a.json", '{"a": "goes on"}\n'),
    ],
)
def test_code_and_quotations_are_left_alone(tmp_path: Path, name: str, text: str) -> None:
    """Only prose is checked, and a quotation is not ours."""
    report, _ = scan_file(tmp_path / name, text)
    assert report.findings == []


def test_comments_are_counted_by_line_of_code(tmp_path: Path) -> None:
    """A directive without a reason is no comment, and a docstring is neither code nor comment."""
    text = '"""Do it.\n\nOften.\n"""\n\n# Why.\nx = 1  # noqa: S101\ny = 2  # noqa: S101 - why\n'
    text += "z = f()  # type: ignore[no-untyped-call]\nz = g()  # type: ignore[misc]  # untyped\n"
    _, lines = scan_file(tmp_path / "a.py", text)
    assert (lines.code, lines.comments) == (4, 3)


def test_one_telltale_word_is_always_allowed(tmp_path: Path) -> None:
    """A short text may use each word once."""
    once, _ = scan_file(tmp_path / "a.md", "Nobody knows.\n")
    twice, _ = scan_file(tmp_path / "b.md", "Nobody knows,\nand nobody asks.\n")
    assert once.too_many == []
    assert [place.line for place in twice.too_many] == [1, 2]


def test_the_command_reports_each_place(capsys: pytest.CaptureFixture[str]) -> None:
    """The rewritten files pass, and the last line has the figures."""
    assert wording.main(["tools/wording.py", "tests/repository/test_wording.py"]) == 0
    assert "words; whoever" in capsys.readouterr().out


def test_every_allowed_finding_has_a_reason_and_exists() -> None:
    """An exception that is not used any more is removed."""
    for (path, name), reason in wording.ALLOWED.items():
        texts = [Prose(path, prose.line, prose.text) for prose in wording.read(path)[0]]
        assert name in wording.BANNED
        assert reason
        assert texts
