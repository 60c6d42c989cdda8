"""The commands: all are listed, arguments pass unchanged, and CI runs what the README says."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.workspace import ROOT

MAKE = shutil.which("make") or "make"


def run_make(folder: Path, *arguments: str) -> str:
    """Run make as a user does, without the variables of a calling make."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
    done = subprocess.run(
        [MAKE, *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def echoing(tmp_path: Path) -> Path:
    """Provide the Makefile with a `voice-agent` that prints its arguments, one per line."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/bootstrap.sh").write_text("exit 0\n")
    command = tmp_path / ".venv/bin/voice-agent"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    command.chmod(0o755)
    return tmp_path


def test_help_is_the_default_and_lists_every_target() -> None:
    """`make` alone prints the help, which lists every target."""
    declared = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
    listed = re.findall(r"^  make (\S+) +\S", run_make(ROOT), re.MULTILINE)
    assert listed == declared


@pytest.mark.parametrize(
    "sentence",
    ["what's the weather in Stockholm", 'say "hello"', "it costs $5 & $HOME; `id` #1", "São Paulo\\", "spaced  out"],
)
@pytest.mark.parametrize("given", ["argument", "environment"])
def test_call_passes_a_sentence_as_it_was_typed(
    echoing: Path, monkeypatch: pytest.MonkeyPatch, sentence: str, given: str
) -> None:
    """Neither make nor the shell interprets the text of a caller."""
    if given == "environment":
        monkeypatch.setenv("SAY", sentence)
    arguments = [f"SAY={sentence}"] if given == "argument" else []
    assert run_make(echoing, "call", *arguments).splitlines() == ["call", "--say", sentence]


def test_call_passes_each_variable_as_its_option(echoing: Path) -> None:
    """The Makefile's variables equal the command's options, and only variables with a value are passed."""
    given = {
        "SAY": "a b",
        "WAV": "q.wav",
        "DTMF": "0",
        "BARGE_IN": "1.5s",
        "CALLS": "20",
        "LATE": "4s",
        "SAVE": "a.wav",
    }
    given |= {"EXPECT_TOOL": "get_current_weather", "EXPECT_TEXT": "it's 5", "URL": "http://127.0.0.1:7860"}
    words = run_make(echoing, "call", *(f"{name}={value}" for name, value in given.items())).splitlines()
    passed = dict(zip(words[1::2], words[2::2], strict=True))
    assert passed == {f"--{name.lower().replace('_', '-')}": value for name, value in given.items()}
    assert run_make(echoing, "call").splitlines() == ["call"]


@pytest.mark.parametrize("given", [("TEXT=a b",), ("SAY=a", "SAYS=$b c"), ("TWILIO_AUTH_TOKEN=t", "SAY=a")])
def test_call_names_the_variables_that_it_does_not_know(echoing: Path, given: tuple[str, ...]) -> None:
    """The names of unknown variables are passed without their values, so that the command can reject them."""
    command = echoing / ".venv/bin/voice-agent"
    command.write_text('#!/bin/sh\nprintf "%s\\n" "$UNKNOWN_VARIABLES"\n')
    names = [one.partition("=")[0] for one in given]
    assert run_make(echoing, "call", *given).split() == [name for name in names if name != "SAY"]


def test_the_operators_page_names_what_the_makefile_has() -> None:
    """The operator's page names only existing targets and variables."""
    makefile, page = (ROOT / "Makefile").read_text(), (ROOT / "docs/howto/deploy.md").read_text()
    targets = makefile.split(".PHONY: ")[1].splitlines()[0].split()
    targets_named = re.findall(r"(?:`|^)make ([a-z-]+)((?: [A-Z_]+=)?)", page, re.MULTILINE)
    assert {target for target, _ in targets_named} >= {"deploy-plan", "deploy", "destroy", "call"}
    assert [target for target, _ in targets_named if target not in targets] == []
    variables = set(re.findall(r"`([A-Z_]+)=", page)) | {name.strip(" =") for _, name in targets_named if name}
    assert [name for name in variables if f"$${{{name}:+" not in makefile] == []


def test_deploy_passes_each_variable_as_its_option(echoing: Path) -> None:
    """`make deploy` passes each variable as its option, and only variables with a value."""
    given = {
        "ENVIRONMENT": "staging",
        "IMAGES": "0ld",
        "TWILIO_NUMBER": "+4670",
        "ADDRESS": "https://a.b",
        "ROLE": "arn",
    }
    words = run_make(echoing, "deploy", "YES=1", *(f"{name}={value}" for name, value in given.items())).splitlines()
    assert (words[0], words[-1]) == ("deploy", "--yes")
    passed = dict(zip(words[1:-1:2], words[2:-1:2], strict=True))
    assert passed == {f"--{name.lower().replace('_', '-')}": value for name, value in given.items()}
    assert run_make(echoing, "destroy").splitlines() == ["destroy"]


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """CI runs the README's test command."""
    script = (ROOT / ".ci/run").read_text()
    assert "make test" in script
    assert "make test" in (ROOT / "README.md").read_text()
    assert os.access(ROOT / ".ci/run", os.X_OK)
