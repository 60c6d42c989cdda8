"""The guide's own commands, unchanged, against a simulated AWS on a socket."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest
from moto.cloudformation.models import cloudformation_backends
from moto.server import ThreadedMotoServer

from tests.support.aws_gaps import close_gaps
from tests.support.stacks import REGION
from tests.support.templates import TEMPLATES
from tests.support.warm_aws import warm_aws
from tools.workspace import ROOT

GUIDE = ROOT / "docs/howto/deploy-by-hand.md"
pytestmark = pytest.mark.thorough  # the AWS CLI starts a hundred times

STACKS = ["network", "platform", "permissions", "edge", "canary", "https", "observability", "firewall"]
STACKS += [f"{service}{part}" for service in ("phone", "web") for part in ("", "-rollback", "-scaling", "-alarms")]
STACKS += ["platform-alarms", "events", "flow-logs"]


def blocks() -> list[str]:
    """Return the guide's commands, except those that need Docker or a value of the reader's."""
    found = re.findall(r"^```sh account\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return [block for block in found if "docker " not in block and "…" not in block]


@pytest.fixture
def endpoint() -> Iterator[str]:
    """Return the URL of an empty AWS."""
    close_gaps()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx.post(f"http://{host}:{port}/moto-api/reset")
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture(scope="module")
def aws() -> Iterator[Path]:
    """Return a folder with the command ``aws``."""
    with tempfile.TemporaryDirectory(prefix="voice-agent-aws-") as folder, warm_aws(Path(folder)) as found:
        yield found


def surroundings(endpoint: str, home: Path, aws: Path) -> dict[str, str]:
    """Return a reader's environment: the AWS CLI, credentials, and two files with secrets."""
    (home / "twilio.json").write_text('{"account_sid": "AC0", "auth_token": "t", "api_sid": "", "api_secret": ""}')
    (home / "daily.json").write_text('{"DAILY_API_KEY": "d"}')
    given = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return given | {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(aws), str(Path(sys.executable).parent), given.get("PATH", "")]),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def statuses(endpoint: str) -> dict[str, str]:
    """Return all stacks with their status."""
    client = boto3.client(
        "cloudformation", REGION, endpoint_url=endpoint, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    pages = client.get_paginator("describe_stacks").paginate()
    return {stack["StackName"]: stack["StackStatus"] for page in pages for stack in page["Stacks"]}


def follow(commands: list[str], surroundings: dict[str, str]) -> str:
    """Run commands in one shell, as a terminal does, and return their output."""
    script = "\n".join(["set -euo pipefail", *commands])
    ended = subprocess.run(
        ["/usr/bin/env", "bash", "-c", script],
        cwd=ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
        timeout=480,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.timeout(600)
def test_the_guide_leads_from_an_empty_account_to_all_stacks_and_back(endpoint: str, tmp_path: Path, aws: Path) -> None:
    """The guide's commands create all stacks, update them with a live task count, and delete what may go."""
    terminal = surroundings(endpoint, tmp_path, aws)
    *commands, takes_down, network = blocks()
    assert "delete-stack" in takes_down
    assert "delete-stack" in network
    said = follow(commands, terminal)
    assert statuses(endpoint).keys() == {"pipecat-registry", *(f"pipecat-test-{name}" for name in STACKS)}
    assert {status.partition("_")[2] for status in statuses(endpoint).values()} == {"COMPLETE"}
    assert re.search(r"page (https://\S+), webhook \1/incoming-call, dashboard https://", said)
    assert "network-existing VpcId=vpc-" in said
    follow([commands[0], takes_down], terminal)
    # moto cannot delete a network; everything else that may go is gone.
    assert statuses(endpoint).keys() == {"pipecat-registry", "pipecat-test-network"}


@pytest.mark.timeout(120)
def test_a_first_creation_that_failed_is_deleted_and_made_anew(endpoint: str, tmp_path: Path, aws: Path) -> None:
    """A stack whose first creation failed is deleted and created again, because CloudFormation rejects updates."""
    terminal = surroundings(endpoint, tmp_path, aws)
    functions, *rest = blocks()
    (network,) = [block for block in rest if "network-existing" in block]
    command = network.replace('echo "deploy', 'eval "deploy')
    follow([functions, command], terminal)
    (stack,) = cloudformation_backends["123456789012"][REGION].stacks.values()
    stack.status = "ROLLBACK_COMPLETE"
    follow([functions, command], terminal)
    assert statuses(endpoint) == {"pipecat-test-network": "CREATE_COMPLETE"}


def test_every_template_has_its_command() -> None:
    """Every template has its command in the guide."""
    text = GUIDE.read_text()
    unnamed = [path.stem for path in TEMPLATES if not re.search(rf"deploy \S+ {path.stem}\b", text)]
    assert unnamed == []
