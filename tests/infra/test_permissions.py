"""The permissions: one model, one secret, one log and one table for each service."""

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from agent_core.adapters import stream_table
from agent_core.adapters.call_store import dynamodb
from agent_core.tools import bedrock_knowledge
from tests.support.stacks import Deployed
from tests.support.templates import TEMPLATES, read, template

WITHOUT_RESOURCES = {
    "ecr:GetAuthorizationToken",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}
"""Actions for which AWS supports no resource, so that a policy must allow all."""

CALL_ME = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:mine/call-me-d4e5f6"
AGENTS = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:mine/agents-g7h8i9"
WEATHER = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:mine/weather-a1b2c3"

services = pytest.mark.parametrize(("service", "other"), [("phone", "web"), ("web", "phone")])


def as_list(value: str | list[str]) -> list[str]:
    """Return one value or several as a list."""
    return value if isinstance(value, list) else [value]


def statements(made: Deployed) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield what is allowed: the logical name of the role or policy, actions, resources."""
    for (_, name), role in made.every("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for one in policy["PolicyDocument"]["Statement"]:
                yield name, as_list(one["Action"]), as_list(one["Resource"])
    for (_, name), policy in made.every("AWS::IAM::ManagedPolicy").items():
        for one in policy["PolicyDocument"]["Statement"]:
            yield name, as_list(one["Action"]), as_list(one["Resource"])


def allowed(made: Deployed, *names: str) -> dict[str, set[str]]:
    """Return the resources of each action that these roles and policies allow."""
    found: dict[str, set[str]] = {}
    for name, actions, resources in statements(made):
        for action in actions if name in names else []:
            found.setdefault(action, set()).update(resources)
    return found


def secrets(made: Deployed) -> dict[str, dict[str, Any]]:
    """Return the secrets by their ARN."""
    return {made.names[key]: one for key, one in made.every("AWS::SecretsManager::Secret").items()}


def test_no_star_where_there_is_anything_narrower(made: Deployed, secure: Deployed) -> None:
    """No action or resource has a wildcard where a narrower one exists."""
    for deployed in (made, secure):
        for name, actions, resources in statements(deployed):
            assert [action for action in actions if "*" in action] == [], name
            if "*" in resources:
                assert set(actions) <= WITHOUT_RESOURCES, name


def test_no_role_takes_a_policy_that_aws_writes(made: Deployed) -> None:
    """No role has a policy that AWS maintains, because those are broad and grow."""
    ours = {made.names[key] for key in made.every("AWS::IAM::ManagedPolicy")}
    for role in made.every("AWS::IAM::Role").values():
        assert set(role.get("ManagedPolicyArns", [])) <= ours


def test_only_tasks_of_this_account_may_take_a_role(made: Deployed) -> None:
    """Only tasks of this account may assume a role, and not the ECS of another account."""
    for role in made.every("AWS::IAM::Role").values():
        (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trusted["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert trusted["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_one_model_may_be_called(made: Deployed) -> None:
    """A task may call one model by one action, in the region that its variables name."""
    environment = made.of("phone", "TaskDefinition")["ContainerDefinitions"][0]["Environment"]
    given = {one["Name"]: one["Value"] for one in environment}
    region = given["NOVA_SONIC_REGION"] or given["AWS_REGION"]
    arn = f"arn:aws:bedrock:{region}::foundation-model/{given['NOVA_SONIC_MODEL_ID']}"
    may = {action: found for action, found in allowed(made, "TalkPolicy").items() if action.startswith("bedrock:")}
    assert may == {"bedrock:InvokeModel": {arn}}


def test_knowledge_bases_are_read_only_where_they_are_named(made: Deployed, secure: Deployed) -> None:
    """Each that an operator names, by one action, and no other; without a name no task may search any."""
    assert "bedrock:Retrieve" not in allowed(made, "TalkPolicy")
    arn = "arn:aws:bedrock:eu-north-1:123456789012:knowledge-base/"
    named = {f"{arn}ABCDEFGH12", f"{arn}IJKLMNOP34"}
    assert allowed(secure, "TalkPolicy")["bedrock:Retrieve"] == named
    asked = set(re.findall(r"\.(retrieve\w*)\(", inspect.getsource(bedrock_knowledge)))
    assert asked == {"retrieve"}


def test_no_task_may_keep_ecs_from_stopping_it(made: Deployed) -> None:
    """No task may protect itself from ECS, because a busy service could then never be updated."""
    policies = made.every("AWS::IAM::ManagedPolicy") | made.every("AWS::IAM::Role")
    assert "bedrock:InvokeModel" in str(policies)
    assert "TaskProtection" not in str(policies)


def test_the_model_may_be_called_in_the_regions_that_are_named(made: Deployed, secure: Deployed) -> None:
    """The model may be called in the deployment's region, and in a second one only if it is set."""
    model = "::foundation-model/amazon.nova-2-5-sonic"
    assert allowed(made, "TalkPolicy")["bedrock:InvokeModel"] == {f"arn:aws:bedrock:eu-north-1{model}"}
    named = {f"arn:aws:bedrock:{region}{model}" for region in ("us-west-2", "us-east-1")}
    assert allowed(secure, "TalkPolicy")["bedrock:InvokeModel"] == named


@pytest.mark.parametrize("service", ["phone", "web"])
def test_every_task_counts_its_streams_in_the_table_that_environments_share(made: Deployed, service: str) -> None:
    """Every task counts its streams in the shared table, by key alone."""
    table = made.outputs["registry"]["ModelStreamsTableArn"]
    may = allowed(made, "TalkPolicy")
    asked = set(re.findall(r"table\.(\w+)_item\(", inspect.getsource(stream_table)))
    assert asked == {"get", "put"}
    assert may["dynamodb:GetItem"] == may["dynamodb:PutItem"] == {table}
    described = made.of("registry", "ModelStreamsTable")
    assert described["KeySchema"] == [{"AttributeName": "pool", "KeyType": "HASH"}]
    given = made.of(service, "TaskDefinition")["ContainerDefinitions"][0]["Environment"]
    variables = {one["Name"]: one["Value"] for one in given}
    assert variables["MODEL_STREAMS_TABLE"] == described["TableName"] == table.rpartition("/")[2]
    assert str(variables["MODEL_STREAMS"]) == "20"


@services
def test_a_service_can_read_its_own_secret_and_not_the_others(made: Deployed, service: str, other: str) -> None:
    """A service can read its own secret and not the other service's."""
    own = made.outputs["platform"][f"{service.title()}SecretArn"]
    assert allowed(made, f"{service.title()}ExecutionRole")["secretsmanager:GetSecretValue"] == {own}
    assert made.outputs["platform"][f"{other.title()}SecretArn"] != own
    taken = made.of(service, "TaskDefinition")["ContainerDefinitions"][0]["Secrets"]
    assert {one["ValueFrom"].partition(f"{own}:")[0] for one in taken} == {""}
    assert "secretsmanager:GetSecretValue" not in allowed(made, "TalkPolicy", f"{service.title()}TaskRole")


@services
def test_a_service_can_read_optional_secrets_only_where_one_is_named(
    made: Deployed, secure: Deployed, service: str, other: str
) -> None:
    """A service can read the secrets of weather and agents, and the web service the key that calls, only if named."""
    del other
    optional = {WEATHER, AGENTS, CALL_ME} if service == "web" else {WEATHER, AGENTS}
    for deployed, named in ((made, set()), (secure, optional)):
        own = deployed.outputs["platform"][f"{service.title()}SecretArn"]
        assert allowed(deployed, f"{service.title()}ExecutionRole")["secretsmanager:GetSecretValue"] == {own, *named}


@services
def test_a_secret_under_an_owner_s_key_can_be_decrypted_by_secrets_manager_alone(
    made: Deployed, secure: Deployed, service: str, other: str
) -> None:
    """Only Secrets Manager may use an owner's key, and only the named key, on behalf of the task's start."""
    del other
    key = "arn:aws:kms:eu-north-1:123456789012:key/0a1b2c3d"
    for deployed, named in ((made, None), (secure, {key})):
        assert allowed(deployed, f"{service.title()}ExecutionRole").get("kms:Decrypt") == named
        assert "kms:Decrypt" not in allowed(deployed, "TalkPolicy", f"{service.title()}TaskRole")
    (policy,) = secure.of("permissions", f"{service.title()}ExecutionRole")["Policies"]
    (decrypt,) = [one for one in policy["PolicyDocument"]["Statement"] if one["Action"] == "kms:Decrypt"]
    assert decrypt["Condition"] == {"StringEquals": {"kms:ViaService": "secretsmanager.eu-north-1.amazonaws.com"}}


@pytest.mark.parametrize("repository", ["PhoneRepository", "WebRepository"])
def test_only_named_accounts_may_copy_images_and_none_may_write(
    made: Deployed, secure: Deployed, repository: str
) -> None:
    """Only named accounts may copy images, and none of them may write."""
    assert made.of("registry", repository).get("RepositoryPolicyText") is None
    (statement,) = secure.of("registry", repository)["RepositoryPolicyText"]["Statement"]
    assert as_list(statement["Principal"]["AWS"]) == ["210987654321"]
    assert statement["Action"] == ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer"]


@services
def test_a_service_runs_under_its_own_roles(made: Deployed, service: str, other: str) -> None:
    """A service runs under its own roles: for its image, its log, and its program."""
    described = made.of(service, "TaskDefinition")
    assert described["TaskRoleArn"] == made.outputs["permissions"][f"{service.title()}TaskRoleArn"]
    assert described["ExecutionRoleArn"] == made.outputs["permissions"][f"{service.title()}ExecutionRoleArn"]
    may = allowed(made, f"{service.title()}ExecutionRole")
    for found in (may["ecr:BatchGetImage"], may["logs:PutLogEvents"]):
        (resource,) = found
        assert f"pipecat-voice-agent{'-test' if ':logs:' in resource else ''}/{service}" in resource
        assert other not in resource


def test_both_services_remember_conversations_in_one_table(made: Deployed) -> None:
    """Both services record conversations in one table, by key, and neither may scan it."""
    table = made.outputs["platform"]["CallsTableArn"]
    asked = set(re.findall(r"\.(\w+)_item\(", inspect.getsource(dynamodb)))
    for role in ("PhoneTaskRole", "WebTaskRole"):
        assert allowed(made, role) == {f"dynamodb:{verb.title()}Item": {table} for verb in asked}
    assert "get" in asked
    described = made.of("platform", "CallsTable")
    assert described["KeySchema"] == [{"AttributeName": "call_sid", "KeyType": "HASH"}]
    assert described["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert described["SSESpecification"] == {"SSEEnabled": True}


def test_a_shell_in_a_task_is_to_be_had_only_where_asked_for(made: Deployed, secure: Deployed) -> None:
    """A shell in a task needs permission in both the service and the role."""
    for deployed, wanted in ((made, False), (secure, True)):
        given = deployed.of("web", "Service")["EnableExecuteCommand"]
        assert given == str(wanted).lower()
        assert bool(deployed.every("AWS::IAM::ManagedPolicy").keys() & {("permissions", "CommandPolicy")}) is wanted
        assert len(deployed.of("permissions", "WebTaskRole")["ManagedPolicyArns"]) == 1 + wanted


@services
def test_every_secret_reference_names_a_key_that_the_secret_has(made: Deployed, service: str, other: str) -> None:
    """Every secret reference names an existing key, because ECS starts no task without it."""
    del other
    for one in made.of(service, "TaskDefinition")["ContainerDefinitions"][0]["Secrets"]:
        arn, _, rest = one["ValueFrom"].rpartition("::")[0].rpartition(":")
        assert rest in json.loads(secrets(made)[arn]["SecretString"]), one["Name"]


def test_secrets_have_the_names_of_the_first_design_and_no_values(made: Deployed) -> None:
    """Secrets have the names of the first design, and no template contains a value."""
    named = {one["Name"]: json.loads(one["SecretString"]) for one in secrets(made).values()}
    assert named.keys() == {"pipecat/twilio-credentials", "pipecat/daily-api-key"}
    assert {value for keys in named.values() for value in keys.values()} == {""}


@pytest.mark.parametrize("kind", ["AWS::SecretsManager::Secret", "AWS::ECR::Repository", "AWS::S3::Bucket"])
def test_what_cannot_be_made_again_outlives_its_stack(kind: str) -> None:
    """Resources that cannot be recreated survive their stack, unless its creation failed."""
    found = [one for path in TEMPLATES for one in read(path.read_text())["Resources"].values() if one["Type"] == kind]
    assert found
    assert {one["DeletionPolicy"] for one in found} == {"RetainExceptOnCreate"}
    assert {one["UpdateReplacePolicy"] for one in found} == {"Retain"}


def test_whoever_deploys_a_service_needs_no_right_to_give_rights() -> None:
    """The templates of the services contain no role or policy, so that deploying one needs no IAM permission."""
    for path in TEMPLATES:
        kinds = {one["Type"] for one in read(path.read_text())["Resources"].values()}
        gives_rights = any(kind.startswith("AWS::IAM::") for kind in kinds)
        assert path.stem in {"permissions", "github-oidc"} or not gives_rights, path.stem
    assert template("permissions")["Resources"]
