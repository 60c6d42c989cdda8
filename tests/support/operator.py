"""An operator: a checkout with an environment of its own, and programs with scripted answers."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import boto3

from deployment import deploy, deploy_options, deploy_plan, destroy
from deployment.console import Screen
from deployment.timeouts import Timeouts
from tests.support.scripted_programs import ScriptedPrograms
from tests.support.stacks import REGION
from tools.workspace import ROOT

IMPATIENT = Timeouts(poll=0.01, change_set=5, stack=5, steady=0.05, answer=0.05)
COMMANDS = {
    "deploy": (deploy_options.deploy, deploy.work),
    "deploy-plan": (deploy_options.deploy_plan, deploy_plan.work),
    "destroy": (deploy_options.destroy, destroy.work),
}
"""Each command's options and what it does, as `voice-agent` joins them."""
SID = "AC" + "0" * 32
TOKEN = "t0ken-that-nobody-may-see"


@dataclass
class Operator:
    """Runs commands in a checkout of its own."""

    root: Path
    page: str
    """Where the page is; moto's load balancer does not serve it."""
    programs: ScriptedPrograms = field(default_factory=ScriptedPrograms)

    def __post_init__(self) -> None:
        """Lay out the checkout."""
        (self.root / "infra/environments").mkdir(parents=True)
        (self.root / "infra/cloudformation").symlink_to(ROOT / "infra/cloudformation")
        self.environment()

    def environment(self, **parameters: str) -> None:
        """Write the environment test: as in the repository, with these changes."""
        text = (ROOT / "infra/environments/test.parameters").read_text()
        lines = [f"{name}={value}" for name, value in parameters.items()]
        (self.root / "infra/environments/test.parameters").write_text(text + "\n".join(lines) + "\n")

    def run(
        self,
        command: str,
        *arguments: str,
        answer: Callable[[str], str] | None = None,
        hidden: Callable[[str], str] | None = None,
        patience: Timeouts = IMPATIENT,
    ) -> tuple[int, str]:
        """Run a command; return its exit code and output."""
        stream = io.StringIO()
        screen = Screen(stream, {}, answer, hidden or _nobody)
        options, work = COMMANDS[command]
        code = work(
            options.options(arguments), screen=screen, programs=self.programs, patience=patience, root=self.root
        )
        return code, stream.getvalue()

    def deploy(self, *arguments: str, answer: Callable[[str], str] | None = None) -> tuple[int, str]:
        """Run `deploy`, with the page's address for the smoke test."""
        return self.run("deploy", "--address", self.page, *arguments, answer=answer)


def fill_secrets() -> None:
    """Set the secrets, as a person does by hand."""
    client = boto3.client("secretsmanager", REGION)
    twilio = {"account_sid": SID, "auth_token": TOKEN, "api_sid": "", "api_secret": ""}
    client.put_secret_value(SecretId="pipecat/twilio-credentials", SecretString=json.dumps(twilio))
    client.put_secret_value(SecretId="pipecat/daily-api-key", SecretString=json.dumps({"DAILY_API_KEY": "k"}))


def stacks() -> dict[str, str]:
    """List the stacks, oldest first, with their status."""
    client = boto3.client("cloudformation", REGION)
    return {one["StackName"]: one["StackStatus"] for one in client.describe_stacks()["Stacks"]}


def _nobody(_question: str) -> str:
    raise EOFError
