"""What each check reports for each answer of AWS, docker and git, all of which are scripted."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from deployment import service_secrets
from deployment.aws import Aws
from deployment.checks import account, builder, https, model_check, processor, quotas
from deployment.checks import secrets as secret_checks
from deployment.checks.finding import Finding
from deployment.console import CheckMark
from deployment.subprocesses import Finished
from deployment.target_environment import TargetEnvironment
from deployment.template import StackTemplate
from tests.support.scripted_programs import DOCKER, GIT, ScriptedPrograms
from tools.workspace import ROOT

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CERTIFICATE = "arn:aws:acm:eu-north-1:123456789012:certificate/0a1b2c3d"
SONIC = "amazon.nova-2-5-sonic"
REGIONS = ["us-east-1", "eu-north-1"]


class Scripted:
    """An AWS that returns scripted responses only."""

    def __init__(self, aws: Aws, stack: ExitStack) -> None:
        self.aws = aws
        self._stack = stack
        self._stubs: dict[str, Stubber] = {}

    def tell(self, client: str, method: str, answer: dict[str, Any]) -> None:
        """Script the next response."""
        self._stub(client).add_response(method, answer)

    def refuse(self, client: str, method: str, code: str, message: str = "no") -> None:
        """Script the next request's rejection."""
        self._stub(client).add_client_error(method, code, message)

    def _stub(self, client: str) -> Stubber:
        if client not in self._stubs:
            self._stubs[client] = self._stack.enter_context(Stubber(getattr(self.aws, client)))
        return self._stubs[client]


@pytest.fixture(scope="module")
def clients() -> Aws:
    """Create the clients once, because this takes most of a second."""
    return Aws("eu-north-1", "us-east-1", boto3.Session("testing", "testing"))


@pytest.fixture
def cloud(clients: Aws) -> Iterator[Scripted]:
    """Return an AWS without scripted responses."""
    with ExitStack() as stack:
        yield Scripted(clients, stack)


def identity(seconds_off: float) -> dict[str, Any]:
    """Script the caller identity, with a clock that differs by this much."""
    date = format_datetime(NOW + timedelta(seconds=seconds_off), usegmt=True)
    return {
        "Account": "123456789012",
        "UserId": "x",
        "Arn": "arn:aws:iam::123456789012:user/anna",
        "ResponseMetadata": {"HTTPHeaders": {"date": date}},
    }


@pytest.mark.parametrize(("masked", "shown"), [(True, "account …9012"), (False, "account 123456789012")])
def test_a_log_that_others_read_has_no_account_number(cloud: Scripted, masked: bool, shown: str) -> None:  # noqa: FBT001 - a case
    """A log that other people read masks the account number, and a terminal shows it."""
    cloud.tell("sts", "get_caller_identity", identity(0))
    who, clock = account.check(cloud.aws, lambda: NOW, masked=masked)
    assert (who.mark, clock.mark) == (CheckMark.GOOD, CheckMark.GOOD)
    assert who.found == f"{shown}, as user/anna"


@pytest.mark.parametrize(("off", "mark"), [(29, "✓"), (-31, "!"), (299, "!"), (301, "✗"), (-4000, "✗")])
def test_a_clock_that_aws_will_refuse_is_told_before_it_does(cloud: Scripted, off: float, mark: str) -> None:
    """A clock is reported before AWS rejects requests, which it does from a difference of five minutes."""
    cloud.tell("sts", "get_caller_identity", identity(off))
    assert account.check(cloud.aws, lambda: NOW, masked=True)[1].mark == mark


def test_credentials_that_are_refused_stop_everything(cloud: Scripted) -> None:
    """Rejected credentials stop the deployment with AWS's message and advice."""
    cloud.refuse("sts", "get_caller_identity", "ExpiredToken", "The security token included in the request is expired")
    who, clock = account.check(cloud.aws, lambda: NOW, masked=True)
    assert who.mark is CheckMark.BAD
    assert "ExpiredToken" in who.found
    assert "aws sso login" in who.advice[0]
    assert clock.mark is CheckMark.UNKNOWN


def test_a_region_without_the_model_says_what_it_has(cloud: Scripted) -> None:
    """A region without the model reports the models that it has, such as an older generation."""
    cloud.refuse("bedrock", "get_foundation_model", "ResourceNotFoundException")
    arn = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-sonic-v1:0"
    cloud.tell(
        "bedrock",
        "list_foundation_models",
        {"modelSummaries": [{"modelId": "amazon.nova-sonic-v1:0", "modelArn": arn}]},
    )
    found = model_check.check(cloud.aws, SONIC, REGIONS)
    assert found.mark is CheckMark.BAD
    assert "amazon.nova-sonic-v1:0: set NovaSonicRegion" in found.advice[0]


def test_a_region_without_any_names_those_that_have_one(cloud: Scripted) -> None:
    """A region without any such model names the regions that have one."""
    cloud.refuse("bedrock", "get_foundation_model", "ResourceNotFoundException")
    cloud.tell("bedrock", "list_foundation_models", {"modelSummaries": []})
    found = model_check.check(cloud.aws, SONIC, REGIONS)
    assert found.found == "amazon.nova-2-5-sonic is not in us-east-1"
    assert found.advice[0].startswith("Nova Sonic is in us-east-1, eu-north-1: set NovaSonicRegion")


def test_a_model_that_ends_is_told(cloud: Scripted) -> None:
    """A model that AWS will retire is reported, although it still works."""
    arn = f"arn:aws:bedrock:us-east-1::foundation-model/{SONIC}"
    details = {"modelId": SONIC, "modelArn": arn, "modelLifecycle": {"status": "LEGACY"}}
    cloud.tell("bedrock", "get_foundation_model", {"modelDetails": details})
    assert model_check.check(cloud.aws, SONIC, REGIONS).mark is CheckMark.CARE


def test_a_check_that_may_not_be_made_stops_nobody(cloud: Scripted) -> None:
    """A check without permission stops nothing and reports what AWS rejected."""
    cloud.refuse("bedrock", "get_foundation_model", "AccessDeniedException", "not authorized to GetFoundationModel")
    found = model_check.check(cloud.aws, SONIC, REGIONS)
    assert found.mark is CheckMark.UNKNOWN
    assert "not authorized to GetFoundationModel" in found.found


def certificate(domain: str, *names: str, status: str = "ISSUED", days: int = 200) -> dict[str, Any]:
    """Script the certificate in ACM's response."""
    ends = datetime.now(UTC) + timedelta(days=days)
    details = {"DomainName": names[0], "SubjectAlternativeNames": list(names), "Status": status, "NotAfter": ends}
    return {"Certificate": {"CertificateArn": CERTIFICATE, **details}} if domain else {}


@pytest.mark.parametrize(
    ("answer", "mark", "said"),
    [
        (certificate("x", "agent.example.com"), "✓", "certificate for agent.example.com"),
        (certificate("x", "*.example.com"), "✓", "certificate for agent.example.com"),
        (certificate("x", "*.agent.example.com"), "✗", "not for agent.example.com"),
        (certificate("x", "example.com"), "✗", "is for example.com"),
        (certificate("x", "agent.example.com", status="PENDING_VALIDATION"), "✗", "pending validation"),
        (certificate("x", "agent.example.com", days=5), "!", "expires on"),
    ],
)
def test_a_certificate_must_be_issued_for_the_name_and_last(
    cloud: Scripted, answer: dict[str, Any], mark: str, said: str
) -> None:
    """A certificate must be issued, remain valid and cover the name, where a wildcard stands for one label."""
    cloud.tell("acm", "describe_certificate", answer)
    environment = TargetEnvironment("test", {"CertificateArn": CERTIFICATE, "DomainName": "agent.example.com"})
    found = https.check(cloud.aws, environment)
    assert (found.mark, said in found.found) == (mark, True), found


def test_a_certificate_of_another_region_is_of_no_use(cloud: Scripted) -> None:
    """A certificate of another region is rejected, such as one in us-east-1 for CloudFront."""
    other = TargetEnvironment("test", {"CertificateArn": CERTIFICATE.replace("eu-north-1", "us-east-1")})
    assert https.check(cloud.aws, other).mark is CheckMark.BAD


def test_no_https_is_said_aloud(cloud: Scripted) -> None:
    """A deployment without https is a warning, because neither calls nor visits work without it."""
    found = https.check(cloud.aws, TargetEnvironment("test", {}))
    assert found.mark is CheckMark.CARE
    assert "NONE" in found.found
    assert any("CertificateArn" in line for line in found.advice)
    assert https.check(cloud.aws, TargetEnvironment("test", {"Https": "cloudfront"})).mark is CheckMark.GOOD


def test_a_quota_that_leaves_no_room_is_told(cloud: Scripted) -> None:
    """A quota without room is reported, because it stops most first deployments that fail."""
    cloud.tell("quotas", "get_service_quota", {"Quota": {"QuotaName": "VPCs per Region", "Value": 5.0}})
    cloud.tell("quotas", "get_service_quota", {"Quota": {"QuotaName": "EC2-VPC Elastic IPs", "Value": 0.0}})
    assert [one.mark for one in quotas.check(cloud.aws)] == [CheckMark.GOOD, CheckMark.CARE]


@pytest.mark.parametrize(
    ("answers", "tag", "said"),
    [
        ({**DOCKER, **GIT}, "", ["✓ commit 0a1b2c3d4e5f", "✓ builds for linux/arm64"]),
        ({**DOCKER}, "", ["✗ not a git repository", "✓ builds"]),
        ({**DOCKER}, "mine", ["✓ this checkout, tagged mine", "✓ builds"]),
        ({**GIT}, "", ["✓ commit", "✗ the Docker engine does not answer"]),
        (
            {**DOCKER, **GIT, "docker buildx inspect": Finished(1, "unknown command")},
            "",
            ["✓ commit", "✗ docker has no buildx plugin"],
        ),
        (
            {**DOCKER, **GIT, "docker buildx inspect": Finished(0, "Platforms: linux/amd64\n")},
            "",
            ["✓ commit", "✗ docker cannot build for linux/arm64"],
        ),
    ],
)
def test_what_builds_images_is_looked_at_first(answers: dict[str, Finished], tag: str, said: list[str]) -> None:
    """The tools that build images are checked first, and not after an hour of deployment."""
    findings = builder.check(ScriptedPrograms(answers), tag, "linux/arm64")
    shown = [f"{one.mark} {one.found}" for one in findings]
    assert [line.startswith(words) for line, words in zip(shown, said, strict=True)] == [True, True], shown


TWILIO = {"account_sid": "AC" + "0" * 32, "auth_token": "t", "api_sid": "", "api_secret": ""}


def secret(cloud: Scripted, values: dict[str, str] | None, owner: str = "", **parameters: str) -> Finding:
    """Return the check of Twilio's secret with this value; Daily's secret does not exist."""
    if values is None:
        cloud.refuse("secrets", "describe_secret", "ResourceNotFoundException")
    else:
        tags = [{"Key": "aws:cloudformation:stack-name", "Value": owner}] if owner else []
        arn = "arn:aws:secretsmanager:x:1:secret:pipecat/twilio-credentials-abcdef"
        cloud.tell("secrets", "describe_secret", {"ARN": arn, "Tags": tags})
        cloud.tell("secrets", "get_secret_value", {"SecretString": json.dumps(values)})
    cloud.refuse("secrets", "describe_secret", "ResourceNotFoundException")
    platform = StackTemplate(ROOT / "infra/cloudformation/platform.yaml")
    return secret_checks.check(cloud.aws, TargetEnvironment("test", parameters), platform)[0]


def test_a_secret_with_values_is_fine_and_none_of_them_is_shown(cloud: Scripted) -> None:
    """A secret with values passes, and the report shows only its name."""
    found = secret(cloud, TWILIO, "pipecat-test-platform")
    assert (found.mark, found.found) == (CheckMark.GOOD, "pipecat/twilio-credentials has values")


@pytest.mark.parametrize("placeholder", ["", " ", "<auth token>", "CHANGEME", "change-me", "TODO", "xxxx"])
def test_a_placeholder_is_no_value(cloud: Scripted, placeholder: str) -> None:
    """A placeholder does not count as a value."""
    found = secret(cloud, {**TWILIO, "auth_token": placeholder})
    assert (found.mark, "has no auth_token" in found.found) == (CheckMark.CARE, True)


def test_values_that_cannot_be_right_stop_it(cloud: Scripted) -> None:
    """Invalid values stop the deployment, such as an API key SID that does not begin with SK."""
    found = secret(cloud, {**TWILIO, "account_sid": "SK" + "0" * 32})
    assert (found.mark, "account_sid" in found.found) == (CheckMark.BAD, True)


def test_a_secret_of_another_environment_is_not_taken(cloud: Scripted) -> None:
    """A secret of another environment is rejected: production's token would sign calls to the test number."""
    found = secret(cloud, TWILIO, "pipecat-production-platform")
    assert (found.mark, "belongs to pipecat-production-platform" in found.found) == (CheckMark.BAD, True)
    shared = {"TwilioSecretArn": "arn:aws:secretsmanager:x:1:secret:y-abcdef"}
    assert secret(cloud, TWILIO, "pipecat-production-platform", **shared).mark is CheckMark.GOOD


def test_a_secret_that_is_not_there_will_be_made_unless_it_was_named(cloud: Scripted) -> None:
    """A missing secret will be created unless a parameter names its ARN, which is then wrong."""
    assert secret(cloud, None).mark is CheckMark.GOOD
    assert secret(cloud, None, TwilioSecretArn="arn:aws:secretsmanager:x:1:secret:y-abcdef").mark is CheckMark.BAD


@pytest.mark.parametrize("own", [False, True])
def test_a_secret_scheduled_for_deletion_stops_it_with_the_command_that_restores_it(
    cloud: Scripted,
    own: bool,  # noqa: FBT001 - a case
) -> None:
    """A secret that is scheduled for deletion stops the deployment, with the command that restores it."""
    arn = f"arn:aws:secretsmanager:eu-north-1:1:secret:{'theirs' if own else 'pipecat/twilio-credentials'}-abcdef"
    cloud.tell("secrets", "describe_secret", {"ARN": arn, "DeletedDate": NOW})
    cloud.refuse("secrets", "describe_secret", "ResourceNotFoundException")
    environment = TargetEnvironment("test", {"TwilioSecretArn": arn} if own else {})
    platform = StackTemplate(ROOT / "infra/cloudformation/platform.yaml")
    found, _ = secret_checks.check(cloud.aws, environment, platform)
    assert (found.mark, "scheduled for deletion since 2026-11-25" in found.found) == (CheckMark.BAD, True)
    called = arn if own else "pipecat/twilio-credentials"
    assert found.advice == (f"$ aws secretsmanager restore-secret --region eu-north-1 --secret-id {called}",)


def test_a_secret_that_is_no_json_has_no_values(cloud: Scripted) -> None:
    """A secret that is not JSON, such as a bare key, has no values."""
    cloud.tell("secrets", "get_secret_value", {"SecretString": "d41ly"})
    assert service_secrets.read(cloud.aws, "arn:aws:secretsmanager:x:1:secret:y-abcdef") == {}


class Configuration(BaseHTTPRequestHandler):
    """The part of an image that names its architecture, at the URL that the registry returns."""

    def do_GET(self) -> None:
        """Respond as the path says."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"architecture": "%s"}' % self.path[1:].encode())

    def log_message(self, *_: object) -> None:
        """Suppress the log."""


@pytest.fixture(scope="module")
def layers() -> Iterator[str]:
    """Return the URL of a layer store."""
    with HTTPServer(("127.0.0.1", 0), Configuration) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("built", "wanted", "advice"),
    [
        ("amd64", "ARM64", "set CpuArchitecture=X86_64, or deploy images that were built for arm64"),
        ("arm64", "X86_64", "set CpuArchitecture=ARM64, or deploy images that were built for amd64"),
        ("arm64", "ARM64", ""),
        ("", "ARM64", ""),
    ],
)
def test_images_have_to_be_built_for_the_processor(
    cloud: Scripted, layers: str, built: str, wanted: str, advice: str
) -> None:
    """An image for another architecture stops the deployment, because its tasks would exit at once."""
    for _ in ("phone", "web"):
        manifest = json.dumps({"config": {"digest": "sha256:" + "0" * 64}} if built else {})
        cloud.tell("ecr", "batch_get_image", {"images": [{"imageManifest": manifest}]})
        if built:
            cloud.tell("ecr", "get_download_url_for_layer", {"downloadUrl": f"{layers}/{built}"})
    found = list(processor.check(cloud.aws, "0ld", wanted))
    assert [one.advice for one in found] == ([(advice,)] * 2 if advice else [])
    assert all(f"was built for {built}, but tasks run on" in one.found for one in found)


def test_a_registry_that_does_not_tell_stops_nothing(cloud: Scripted) -> None:
    """A registry that does not name the architecture stops nothing; another check looks for the image."""
    cloud.refuse("ecr", "batch_get_image", "AccessDenied")
    cloud.tell("ecr", "batch_get_image", {"images": []})
    assert list(processor.check(cloud.aws, "0ld", "ARM64")) == []
