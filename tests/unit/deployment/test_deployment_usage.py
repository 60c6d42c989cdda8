"""How the commands are called."""

import re

import pytest

from deployment import deploy_options
from voice_agent.command_line import main


@pytest.mark.parametrize("command", ["deploy", "deploy-plan", "destroy"])
def test_the_console_command_knows_them(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`voice-agent` lists the commands, and each describes its exit codes."""
    assert main([command, "--help"]) == 0
    said = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).split())
    assert f"Usage: voice-agent {command} " in said
    assert "it continues from there" in said


def test_what_is_not_said_is_the_usual() -> None:
    """The defaults are the environment test, a confirmation before each change, and a call at the end."""
    given = deploy_options.deploy.options([], {})
    assert (given.environment, given.yes, given.call, given.images) == ("test", False, True, "")
    assert given.twilio_api == "https://api.twilio.com"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--images", "a", "--tag", "b"],
        ["--tag", "a/b"],
        ["--tag", ""],
        ["--twilio-number", "070-123"],
        ["--environmen", "x"],
    ],
)
def test_what_cannot_be_is_refused_at_once(arguments: list[str]) -> None:
    """Wrong usage is rejected with exit code 2."""
    with pytest.raises(SystemExit) as ended:
        deploy_options.deploy.options(arguments, {})
    assert ended.value.code == 2
