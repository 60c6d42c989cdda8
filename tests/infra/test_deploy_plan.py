"""`voice-agent deploy-plan` with obstacles: it continues as far as possible, and says what to do.

A plan changes nothing, so no obstacle has to stop it. The output for people is tested as a table with one row per
situation.
"""

import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import exceptions

from deployment import offline
from deployment.checks import credentials_check
from deployment.subprocesses import Finished
from tests.support.aws_models import Models, telling
from tests.support.operator import Operator, stacks
from tests.support.scripted_programs import DOCKER, GIT, ScriptedPrograms
from tests.support.stacks import pretend_aws

BY_TEMPLATE = (
    r"registry +2 Repository",
    r"network +EIP, .*\bNatGateway, ",
    r"edge +Listener, .*\bLoadBalancer, ",
    r"web-alarms +\d+ Alarm",
    r"observability +Alarm, Dashboard, ",
)
COSTS = (
    r"About \$\d\d\d a month without calls",
    r"About \$0\.0\d\d per minute of a call",
    r"\$\d+\.\d\d +2 tasks of",
)


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove every source of credentials and every proxy from this process."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """Return an operator who plans."""
    return Operator(tmp_path / "checkout", "")


def closed_port() -> int:
    """Return a port without a server."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@dataclass(frozen=True)
class Obstacle:
    """Why AWS does not answer, and what the plan says about it."""

    environ: Mapping[str, str]
    arguments: tuple[str, ...]
    says: str
    silent: str
    """Advice for other obstacles, which must not appear."""


OBSTACLES = {
    "no credentials": Obstacle(
        {}, (), r"✗ credentials +Unable to locate credentials → sign in \(`aws sso login`\)", "did you mean"
    ),
    "half of them": Obstacle(
        {"AWS_ACCESS_KEY_ID": "testing"},
        (),
        r"✗ credentials +Partial credentials .* → set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, both or neither",
        "sign in",
    ),
    "no such profile": Obstacle(
        {"AWS_PROFILE": "prodution"},
        (),
        r"✗ credentials +there is no AWS profile prodution; did you mean production\? → correct AWS_PROFILE",
        "sign in",
    ),
    "misspelt region": Obstacle(
        {},
        ("--region", "eu-nrth-1"),
        r"✗ parameters +Region=eu-nrth-1 is not a region .*; did you mean eu-north-1\? → correct Region, or --region",
        "sign in",
    ),
    "no network": Obstacle(
        {**KEYS, "AWS_ENDPOINT_URL": "closed"},
        (),
        r"✗ connection +cannot reach AWS: Could not connect to .* → connect this machine to the internet",
        "sign in",
    ),
    "no proxy": Obstacle(
        {**KEYS, "HTTPS_PROXY": "closed"},
        (),
        r"✗ connection +Failed to connect to proxy URL.* → correct HTTPS_PROXY",
        "sign in",
    ),
}


@pytest.mark.usefixtures("nothing")
@pytest.mark.parametrize("name", OBSTACLES)
def test_without_an_answer_of_aws_everything_else_is_shown(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """Without an answer of AWS the plan shows one obstacle, every local check, and the whole estimate."""
    obstacle = OBSTACLES[name]
    (tmp_path / "config").write_text("[profile production]\nregion = eu-north-1\n")
    for variable, value in obstacle.environ.items():
        monkeypatch.setenv(variable, f"http://127.0.0.1:{closed_port()}" if value == "closed" else value)
    code, said = operator.run("deploy-plan", *obstacle.arguments)
    flat = " ".join(said.split())
    assert code == 1
    assert len(re.findall(obstacle.says, flat)) == 1, said
    assert obstacle.silent not in flat
    assert len(re.findall("✗", said)) == 1, said
    for row in (*BY_TEMPLATE, *COSTS):
        assert re.search(row, flat), row
    assert "✓ docker builds for linux/amd64" in flat
    assert "? phone built and pushed, unless the registry contains it" in flat
    assert "`deploy` would stop at: " in flat


@pytest.fixture
def cloud() -> Iterator[None]:
    """Return an AWS that answers."""
    with pretend_aws(), telling(Models()):
        yield


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    ("answers", "said_of", "row", "stops"),
    [
        ({**GIT}, {}, "✗ docker the Docker engine does not answer → start docker", "docker"),
        (DOCKER, {}, "✗ source not a git repository", "source"),
        (
            {**DOCKER, **GIT, "git status": Finished(0, " M a.py\n")},
            {},
            "✗ source 1 file changed since commit 0a1b2c3d4e5f → commit them",
            "source",
        ),
        (
            None,
            {"Firewall": "true", "Https": "cloudfront"},
            "✗ parameters Firewall=true does not work with Https=cloudfront",
            "parameters",
        ),
        (None, {"MinTasks": "4", "MaxTasks": "1"}, "✗ parameters MinTasks=4 is more than MaxTasks", "parameters"),
        (
            None,
            {"NatGateway": "one"},
            "no template has a parameter NatGateway; did you mean NatGateways?",
            "parameters",
        ),
        (None, {"CpuArchitecture": "arm"}, "CpuArchitecture=arm is not allowed", "parameters"),
        (None, {"MinTasks": "few", "DesiredCount": "x"}, "✗ parameters MinTasks=few is not allowed", "parameters"),
        (None, {"NovaSonicRegion": "us-est-1"}, "✗ parameters NovaSonicRegion=us-est-1 is not a region", "parameters"),
    ],
    ids=["docker", "git", "changed", "firewall", "tasks", "misspelt", "processor", "not numbers", "model's region"],
)
def test_an_obstacle_here_hides_nothing_of_aws(
    operator: Operator, answers: Mapping[str, Finished] | None, said_of: dict[str, str], row: str, stops: str
) -> None:
    """A local obstacle does not prevent the comparison of all stacks, and the plan leaves nothing behind."""
    operator.programs = ScriptedPrograms() if answers is None else ScriptedPrograms(answers)
    operator.environment(**said_of)
    code, said = operator.run("deploy-plan")
    flat = " ".join(said.split())
    assert code == 1
    assert row in flat, said
    assert f"`deploy` would stop at: {stops}" in flat
    assert "+ registry new: 2 Repository" in flat
    assert "edge new, by its template: Listener, " in flat
    assert re.search(r"observability (new|not compared)", flat)
    assert re.search(COSTS[0], flat)
    assert stacks() == {}


@pytest.mark.usefixtures("cloud")
def test_what_may_not_be_looked_at_is_said_and_the_rest_is_compared(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the operator may not read is reported with its template, and the rest is compared."""
    refuse = exceptions.ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeStacks")

    def fail(*_: object) -> None:
        raise refuse

    monkeypatch.setattr("deployment.cloudformation.CloudFormation._describe", fail)
    code, said = operator.run("deploy-plan")
    flat = " ".join(said.split())
    assert "? edge not compared: AccessDenied: not you; by its template: Listener, " in flat
    assert "? observability not compared" in flat
    assert (code, "model" in flat, stacks()) == (0, True, {})


@pytest.mark.usefixtures("cloud")
def test_a_network_that_goes_away_is_asked_once(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the network fails once, the plan makes no further requests, each of which would take 15 seconds."""
    asked = []

    def fail(self: Any, name: str) -> None:  # noqa: ANN401 - of either kind
        if not isinstance(self._client, offline._Nobody):
            asked.append(name)
        raise exceptions.ConnectTimeoutError(endpoint_url="https://cloudformation.eu-north-1.amazonaws.com/")

    monkeypatch.setattr("deployment.cloudformation.CloudFormation._describe", fail)
    said = operator.run("deploy-plan")[1]
    assert len(asked) == 1
    assert re.search(BY_TEMPLATE[4], " ".join(said.split()))


@pytest.mark.usefixtures("cloud")
def test_deploy_stops_at_the_same_things_before_anything_is_made(operator: Operator) -> None:
    """`deploy` stops at the obstacles that the plan shows, before it creates anything."""
    operator.environment(MinTasks="4", MaxTasks="1", LongestCallSeconds="3600")
    code, said = operator.run("deploy", "--yes")
    flat = " ".join(said.split())
    assert (code, stacks()) == (1, {})
    assert "MinTasks=4 is more" in flat
    assert "LongestCallSeconds=3600 is more" in flat
    assert operator.programs.begun_with("docker buildx build") == []


def test_a_condition_that_is_false_makes_nothing_that_is_listed(operator: Operator) -> None:
    """A resource with a false condition is not listed, and one with a true condition is."""
    with pretend_aws(), telling(Models()):
        operator.environment(NatGateways="per-zone", AccessLogs="true", AlertEmail="ops@example.com")
        said = " ".join(operator.run("deploy-plan")[1].split())
        assert re.search(r"network new, by its template: 2 EIP, .*\b2 NatGateway, ", said)
        assert "edge new, by its template: Bucket, BucketPolicy, Listener, " in said
        assert "Subscription" in said
        boto3.client("secretsmanager", "eu-north-1").create_secret(Name="pipecat/daily-api-key", SecretString="{}")
        adopted = " ".join(operator.run("deploy-plan")[1].split())
        (platform,) = re.findall(r"platform new, by its template: (.*?) \+ permissions", adopted)
        assert re.search(r"(?<!\d )Secret,", platform)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (exceptions.UnauthorizedSSOTokenError(), "the SSO session has expired"),
        (exceptions.SSOTokenLoadError(error_msg="x"), "the SSO session has expired"),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="x"), "the SSO session has expired"),
        (exceptions.CredentialRetrievalError(provider="p", error_msg="x"), "the profile's credential_process"),
        (exceptions.ConfigParseError(path="/x"), "correct that file"),
        (exceptions.SSLError(endpoint_url="https://x", error=OSError("self-signed")), "AWS_CA_BUNDLE"),
        (exceptions.ReadTimeoutError(endpoint_url="https://x"), "connect this machine to the internet"),
        (exceptions.InvalidRegionError(region_name="EU north"), "set Region"),
        *(
            (exceptions.ClientError({"Error": {"Code": code, "Message": "no"}}, "GetCallerIdentity"), says)
            for code, says in (
                ("ExpiredToken", "the credentials have expired"),
                ("InvalidClientTokenId", "an opt-in region"),
                ("SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
                ("AccessDenied", "a policy denies"),
                ("SomethingNew", "sign in"),
            )
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
def test_each_reason_why_aws_does_not_know_us_has_its_own_sentence(error: Exception, says: str) -> None:
    """Each reason why AWS rejects the credentials has its own sentence, because few are fixed by a login."""
    finding = credentials_check.refused(error)
    assert says in finding.advice[0]
