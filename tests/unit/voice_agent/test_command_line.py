"""`voice-agent` itself: what it lists, what it imports for this, and how it rejects wrong usage."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint

import pytest

from tools.workspace import ROOT, members
from voice_agent import program
from voice_agent.command_line import main

COMMANDS = ["new", "check", "run", "chat", "call", "rehearse", "doctor", "bench", "deploy-plan", "deploy", "destroy"]
_WITHOUT_WORK = """
import sys
from voice_agent.command_line import main
assert main([*sys.argv[1:], "--help"]) == 0
heavy = {"standins", "deployment.deploy_options", "doctor.options", "agent_core", "numpy", "httpx", "boto3", "pydantic"}
sys.exit(" ".join(sorted(heavy & set(sys.modules))) or 0)
"""


def test_help_lists_every_command_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The help lists every command in one line, including those of other distributions."""
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["--help"]) == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)  # GitHub's runners count as terminals
    listed = re.findall(r"^│ ([a-z][a-z-]+) +[A-Z].*\.", plain, re.MULTILINE)
    declared = [
        name
        for member in members()
        for name in tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]
        .get("entry-points", {})
        .get(program.GROUP, {})
    ]
    assert listed == COMMANDS
    assert sorted(declared) == sorted(COMMANDS)


@pytest.mark.parametrize("command", [[], ["call"], ["run"]], ids=lambda command: " ".join(command) or "program")
def test_help_imports_no_work(command: list[str]) -> None:
    """Help and shell completion import no command's implementation."""
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_WORK, *command], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_distribution_that_is_not_installed_adds_no_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the deployment's distribution the command works and lists the remaining commands."""
    bench = EntryPoint("bench", "voice_agent.bench.options:bench", program.GROUP)
    monkeypatch.setattr(program, "entry_points", lambda group: [bench] if group == program.GROUP else [])
    assert main(["deploy"]) == 2
    assert capsys.readouterr().err == "voice-agent: no command 'deploy'; voice-agent --help lists all\n"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("cal", "voice-agent: no command 'cal'; did you mean 'call'?; voice-agent --help lists all"),
        ("call --says hi", "no option --says; did you mean --say?; voice-agent call --help lists all"),
        ("call --barge-in soon", "--barge-in: 'soon' is not a time such as 1.5s or 800ms;"),
        ("call --wav none.wav", "--wav: no such file: none.wav;"),
        ("call --say", "voice-agent call: option '--say' requires an argument; voice-agent call --help lists all"),
        ("call hello", "voice-agent call: got unexpected extra argument(s) (hello);"),
        ("call --calls 501", "--calls: input should be less than or equal to 500;"),
        ("run --nova gpt", "--nova: 'gpt' is not one of 'auto', 'standin', 'bedrock';"),
        ("deploy --tag a --images b", "--tag: not allowed with --images;"),
        ("bench --rounds many", "--rounds: input should be a valid integer"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_nearest(
    typed: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage is one line that names the nearest option or command, with exit code 2."""
    assert main(typed.split()) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert (printed.err.count("\n"), printed.out) == (1, "")


def test_the_version_is_the_distribution_s(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the distribution."""
    assert main(["--version"]) == 0
    declared = tomllib.loads((ROOT / "cli/pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert capsys.readouterr().out == f"voice-agent {declared}\n"


def test_the_shell_completes_commands_and_options() -> None:
    """The shell completes commands and options with the scripts that typer writes."""
    for typed, offered in (("voice-agent dep", ["deploy-plan", "deploy"]), ("voice-agent bench --r", ["--rounds"])):
        done = subprocess.run(
            [sys.executable, "-m", "voice_agent"],
            env={"_VOICE_AGENT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.stdout.split() == offered
