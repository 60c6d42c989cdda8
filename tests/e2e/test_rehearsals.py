"""`voice-agent rehearse` on a system of its own: what passes, what fails, and what it leaves behind."""

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tools.workspace import ROOT

_FOLDER = ROOT / "agents" / "restaurant"
# The stand-in learns its tools and answers from the rehearsal itself, so the answer is what can be wrong.
_WRONG = """
- rehearsal: opening hours
  says: when are you open
  expect: {tool: none, says: [midnight]}
  answers: We are open for lunch from twelve.
"""


def _rehearse(folder: Path, where: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "voice_agent", "rehearse", str(folder), *options]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=500, check=False)


def test_a_goodbye_ends_the_conversation_on_the_phone_and_on_the_web(tmp_path: Path) -> None:
    """Both channels reach the same agent, and the reports have both."""
    done = _rehearse(_FOLDER, tmp_path, "--only", "goodbye", "--over", "both", "--junit", "a.xml", "--report", "a.html")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wire 2 of 2, model 2 of 2" in done.stdout
    cases = ET.parse(tmp_path / "a.xml").findall(".//testcase")  # noqa: S314 - our own document
    assert {case.get("classname") for case in cases} == {"restaurant.phone.quiet", "restaurant.web.quiet"}
    assert (tmp_path / "a.html").read_text(encoding="utf-8").count("<audio") == 3
    assert not (ROOT / ".run" / "rehearsals" / "restaurant" / "system" / "run.json").exists()


def _copied(tmp_path: Path, rehearsals: str = "") -> Path:
    """Copy the restaurant, with its own rehearsals or with these."""
    folder = tmp_path / "agents" / "restaurant"
    shutil.copytree(_FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if rehearsals:
        shutil.rmtree(folder / "rehearsals")
        (folder / "rehearsals").mkdir()
        (folder / "rehearsals" / "a.yaml").write_text(rehearsals, encoding="utf-8")
    return folder


def _failures(out: str) -> list[tuple[str, Path]]:
    """Return what failed, and the file with its audio."""
    failed = [line.partition("; audio: ") for line in out.splitlines() if line.startswith("FAILED")]
    return [(what, Path(audio)) for what, _, audio in failed]


def test_a_miss_names_rehearsal_turn_expectation_and_audio(tmp_path: Path) -> None:
    """The exit code is 1, and the file with the audio is there."""
    done = _rehearse(_copied(tmp_path, _WRONG), tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    ((what, audio),) = _failures(done.stdout)
    assert what.startswith("FAILED opening hours, turn 1, says: expected 'midnight', the agent said 'We are open")
    assert audio.stat().st_size > 8000


def test_a_broken_tool_fails_the_turn_that_needs_it(tmp_path: Path) -> None:
    """A tool that raises is found although the model calls it as expected: its words are not in the reply."""
    folder = _copied(tmp_path)
    tools = folder / "tools.py"
    source, at = tools.read_text(encoding="utf-8"), "    repeated = book.of_request(call.key)\n"
    assert at in source
    broken = source.replace(at, "    raise ConnectionError('the reservation system is down')\n")
    tools.write_text(broken, encoding="utf-8")
    done = _rehearse(folder, tmp_path, "--only", "in one sentence", "--report", "a.html")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "wire 1 of 1, model 0 of 1" in done.stdout
    (what, audio), *_ = _failures(done.stdout)
    assert what.startswith("FAILED a table in one sentence, turn 1, says: expected 'booked', the agent said")
    # Both sides are in it, as 8000 bytes a second: the caller alone speaks for four.
    assert audio.stat().st_size > 5 * 8000
    assert (tmp_path / "a.html").read_text(encoding="utf-8").count("<audio") >= 2


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["agents/none"], "agents/none is not a folder"),
        (["--only", "nothing of this name"], "no rehearsal is named"),
        (["--url", "https://agent.example.com"], "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"),
        (["--url", "https://agent.example.com", "--matrix"], "--matrix needs this machine's stand-ins"),
    ],
)
def test_wrong_usage_is_one_line_and_starts_nothing(tmp_path: Path, options: list[str], problem: str) -> None:
    """The exit code is 2, and the line says what to do."""
    folder = _FOLDER if options[0].startswith("--") else Path(options.pop(0))
    done = _rehearse(folder, tmp_path, *options)
    assert done.returncode == 2
    assert problem in done.stderr
    assert not [*tmp_path.rglob("run.json")]
