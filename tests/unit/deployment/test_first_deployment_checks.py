"""The checks of an account without deployments, response by response, and the meaning of its errors."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.stub import Stubber

from deployment import identity_provider, linked_roles, service_secrets
from deployment.aws import Aws
from deployment.checks import cores
from deployment.checks import secrets as secret_checks
from deployment.checks.cores import CoresNeeded
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext
from deployment.failure_advice import Failure
from deployment.target_environment import TargetEnvironment
from deployment.template import StackTemplate
from tools.workspace import ROOT

KEY = "arn:aws:kms:eu-north-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
SECRET = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:corp/twilio-a1b2c3"
TEMPLATES = ROOT / "infra/cloudformation"


@pytest.fixture(scope="module")
def clients() -> Aws:
    """Create the clients once, because this takes most of a second."""
    return Aws("eu-north-1", "us-east-1", boto3.Session("testing", "testing"))


@pytest.fixture
def stubs(clients: Aws) -> Iterator[dict[str, Stubber]]:
    """Return a stub for each client."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(Stubber(getattr(clients, name))) for name in ("iam", "quotas", "secrets")}


class Rows:
    """A screen that records its rows."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, ...]] = []

    def row(self, mark: str, label: str, text: str = "", advice: Any = ()) -> None:  # noqa: ANN401 - same as Screen's
        """Record one row."""
        self.rows.append((mark, label, text, *advice))


def first_time(clients: Aws, *, stands: bool = False) -> tuple[DeployContext, Rows]:
    """Return a job on an account without a platform."""
    screen = Rows()
    stacks = SimpleNamespace(exists=lambda _stack: stands)
    return cast(
        "DeployContext", SimpleNamespace(aws=clients, cloudformation=stacks, stacks={"platform": 0}, screen=screen)
    ), screen


def test_the_linked_roles_that_an_account_lacks_are_created(clients: Aws, stubs: dict[str, Stubber]) -> None:
    """Missing service-linked roles are created; one that may not be created is reported with the command."""
    iam = stubs["iam"]
    iam.add_client_error("create_service_linked_role", "InvalidInput", "has been taken in this account")
    iam.add_client_error("create_service_linked_role", "AccessDenied", "not authorized")
    role = {"Path": "/", "RoleName": "x", "RoleId": "r" * 16, "Arn": "arn:aws:iam::1:role/x" + "x" * 9}
    answer = {"Role": {**role, "CreateDate": datetime(2026, 1, 1, tzinfo=UTC)}}
    iam.add_response("create_service_linked_role", answer, {"AWSServiceName": linked_roles.SERVICES[2]})
    job, screen = first_time(clients)
    linked_roles.ensure(job)
    refused, made = screen.rows
    assert refused[0] == CheckMark.CARE
    assert refused[3] == "$ aws iam create-service-linked-role --aws-service-name elasticloadbalancing.amazonaws.com"
    assert made[2] == "created for ecs.application-autoscaling.amazonaws.com"
    iam.assert_no_pending_responses()


def test_a_platform_that_stands_needs_no_look_at_roles(clients: Aws, stubs: dict[str, Stubber]) -> None:
    """An existing platform skips the roles, which a release has no permission to read."""
    job, screen = first_time(clients, stands=True)
    linked_roles.ensure(job)
    assert screen.rows == []
    stubs["iam"].assert_no_pending_responses()


@pytest.mark.parametrize(
    ("allowed", "mark", "words"),
    [
        (3.9, CheckMark.BAD, "the first tasks need 4"),
        (6, CheckMark.CARE, "an update needs 8"),
        (8, CheckMark.CARE, "an update at MaxTasks needs 16"),
        (16, CheckMark.GOOD, "16 needed at most"),
    ],
)
def test_a_quota_of_cores_is_compared_with_start_update_and_most(allowed: float, mark: CheckMark, words: str) -> None:
    """Too few cores for the first tasks stop the deployment, and too few for an update are a warning."""
    found = cores.judge(allowed, CoresNeeded(4, 8, 16))
    assert (found.mark, words in found.found) == (mark, True)
    assert all("Service Quotas" in advice for advice in found.advice[:1])


def test_a_quota_that_was_never_asked_for_is_aws_s_default(clients: Aws, stubs: dict[str, Stubber]) -> None:
    """A quota without a value of the account's own has AWS's default."""
    named = {"ServiceCode": "fargate", "QuotaCode": "L-3032A538"}
    stubs["quotas"].add_client_error("get_service_quota", "NoSuchResourceException", expected_params=named)
    stubs["quotas"].add_response("get_aws_default_service_quota", {"Quota": {"Value": 6.0}}, named)
    assert cores.allowed(clients) == 6


@pytest.mark.parametrize(
    ("key", "granted", "may"),
    [
        (KEY, KEY, True),
        (KEY.rpartition("/")[2], KEY, True),
        (KEY, "", False),
        (KEY, KEY.replace("0a1b2c3d4e5f", "ffffffffffff"), False),
        ("arn:aws:kms:eu-north-1:123456789012:alias/corp", "", False),
        ("arn:aws:kms:eu-north-1:123456789012:alias/corp", KEY, True),
        ("alias/aws/secretsmanager", "", True),
    ],
)
def test_a_secret_under_an_owner_s_key_needs_that_key(key: str, granted: str, may: bool) -> None:  # noqa: FBT001 - a case
    """An owner's secret needs its own key; an alias hides the key, so any named key passes."""
    assert service_secrets.may_decrypt(key, granted) is may


@pytest.mark.parametrize(("given", "mark"), [({}, CheckMark.BAD), ({"SecretsKeyArn": KEY}, CheckMark.GOOD)])
def test_a_secret_that_tasks_could_not_decrypt_stops_it(
    clients: Aws, stubs: dict[str, Stubber], given: dict[str, str], mark: CheckMark
) -> None:
    """A secret that the tasks cannot decrypt stops the deployment, although the operator can read it."""
    stubs["secrets"].add_response("describe_secret", {"ARN": SECRET, "KmsKeyId": KEY})
    text = '{"account_sid": "AC%s", "auth_token": "t", "api_sid": "", "api_secret": ""}' % ("0" * 32)
    stubs["secrets"].add_response("get_secret_value", {"SecretString": text})
    stubs["secrets"].add_client_error("describe_secret", "ResourceNotFoundException")
    environment = TargetEnvironment("test", {"TwilioSecretArn": SECRET, **given})
    found, _ = secret_checks.check(clients, environment, StackTemplate(TEMPLATES / "platform.yaml"))
    assert found.mark is mark
    assert SECRET in found.found
    assert found.advice == () or "SecretsKeyArn" in found.advice[0]


def test_every_key_that_a_task_reads_is_looked_for() -> None:
    """Every key of the task definition is looked for, because ECS starts no task without one."""
    text = "".join(path.read_text() for path in TEMPLATES.glob("*.yaml"))
    read = set(re.findall(r"Arn\}:(\w+)::", text))
    environment = TargetEnvironment("test", {"WeatherSecretArn": SECRET})
    needs = service_secrets.needs(environment, StackTemplate(TEMPLATES / "platform.yaml"))
    assert {key for need in needs for key in need.every_key} == read


def test_the_account_s_provider_is_found_among_others(clients: Aws, stubs: dict[str, Stubber]) -> None:
    """The account's provider is found among others, and without permission to look it is created."""
    listed = [
        {"Arn": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-north-1.amazonaws.com/id/1"},
        {"Arn": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
    ]
    stubs["iam"].add_response("list_open_id_connect_providers", {"OpenIDConnectProviderList": listed})
    stubs["iam"].add_response("list_open_id_connect_providers", {"OpenIDConnectProviderList": listed[:1]})
    stubs["iam"].add_client_error("list_open_id_connect_providers", "AccessDenied")
    assert [identity_provider.find(clients) for _ in range(3)] == [listed[1]["Arn"], "", ""]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Provider with url https://token.actions.githubusercontent.com already exists.", "set ProviderArn"),
        ("pipecat-alb-test already exists", "see what owns it"),
        (
            "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
            "run the same command again",
        ),
        (
            "Your account must be verified before you can add new CloudFront resources.",
            "ask AWS Support",
        ),
        ("You can't create this secret because a secret with this name is already scheduled for deletion.", "restore"),
    ],
)
def test_a_known_refusal_of_a_new_account_says_what_to_do(reason: str, words: str) -> None:
    """A known error of a new account includes advice, which never deletes what other pipelines need."""
    advice = Failure("x", "y", reason).advice
    assert words in advice
    assert "delete it" not in advice
