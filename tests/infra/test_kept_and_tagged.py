"""What survives mistakes and stacks, and how resources are tagged."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from deployment import deploy_options, destroy
from deployment.cloudformation import CloudFormation
from deployment.errors import UsageError
from deployment.rollout import ChangeApproval, Rollout
from deployment.stacks import Stacks, stacks_of
from deployment.target_environment import TargetEnvironment
from deployment.timeouts import Timeouts
from tests.infra.test_deploy_by_hand import GUIDE
from tests.support.stacks import Deployed
from tests.support.templates import FOLDER, template


class _Client:
    """CloudFormation and the load balancers' API, as far as protection and tags use them."""

    def __init__(self, *, protected: bool = False, refuses: bool = False) -> None:
        self.protected = protected
        self.refuses = refuses
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        outputs = [{"OutputKey": "LoadBalancerArn", "OutputValue": "arn:lb"}] if StackName.endswith("edge") else []
        return {"Stacks": [{"EnableTerminationProtection": self.protected, "Outputs": outputs}]}

    def update_termination_protection(self, **named: Any) -> None:  # noqa: ANN401 - boto3's own types
        if self.refuses:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "UpdateTerminationProtection")
        self.asked.append(("protection", named))
        self.protected = named["EnableTerminationProtection"]

    def modify_load_balancer_attributes(self, **named: Any) -> None:  # noqa: ANN401 - the same
        self.asked.append(("balancer", named))

    def create_change_set(self, **named: Any) -> dict[str, str]:  # noqa: ANN401 - the same
        self.asked.append(("change set", named))
        raise ClientError({"Error": {"Code": "ValidationError", "Message": "No updates are to be performed"}}, "x")


def stacks(name: str = "production", **parameters: str) -> Stacks:
    """Return the stacks of an environment."""
    return stacks_of(TargetEnvironment(name, parameters), FOLDER)


def cloudformation(client: _Client) -> CloudFormation:
    """Return CloudFormation with the test's client."""
    return CloudFormation(cast("Any", SimpleNamespace(cloudformation=client)), Timeouts(), lambda _: None)


def job(client: _Client, *arguments: str, **parameters: str) -> tuple[Any, list[str]]:
    """Return a job on production, and its screen's output."""
    said: list[str] = []
    screen = SimpleNamespace(
        row=lambda *row: said.append(" ".join(map(str, row))),
        heading=lambda _: None,
        progress=lambda _: None,
        can_ask=False,
    )
    own = SimpleNamespace(
        environment=TargetEnvironment("production", parameters),
        stacks=stacks(**parameters),
        cloudformation=cloudformation(client),
        aws=SimpleNamespace(elb=client),
        options=deploy_options.destroy.options(["--environment", "production", *arguments]),
        screen=screen,
    )
    return own, said


def asked_for(last: str, **parameters: str) -> dict[str, Any]:
    """Return the request that creates a stack."""
    client, every = _Client(), stacks(**parameters)
    stack = every.registry if last == "registry" else every[last]
    assert cloudformation(client).compare(stack, {}, exists=False, name="deploy") is None
    ((_, asked),) = client.asked
    return asked


def test_resources_are_tagged_by_environment_owner_and_cost_center() -> None:
    """Resources are tagged by environment, owner and cost center, except for the shared registry."""
    tags = {one["Key"]: one["Value"] for one in asked_for("edge", Owner="voice", CostCenter="4711")["Tags"]}
    assert tags == {
        "Application": "pipecat-voice-agent",
        "Environment": "production",
        "Owner": "voice",
        "CostCenter": "4711",
    }
    shared = {one["Key"]: one["Value"] for one in asked_for("registry", Owner="voice")["Tags"]}
    assert shared == {"Application": "pipecat-voice-agent", "Environment": "shared"}
    assert "--tags Application=pipecat-voice-agent $tags" in GUIDE.read_text()
    with pytest.raises(UsageError, match=r"Owner=the team is not a tag: .* without spaces"):
        stacks(Owner="the team")


@pytest.mark.parametrize(("last", "takes"), [("platform", True), ("registry", True), ("edge", False)])
def test_what_stays_is_taken_up_by_the_next_stack(last: str, *, takes: bool) -> None:
    """The next stack adopts logs, table and images, because their names are in use."""
    assert asked_for(last).get("ImportExistingResources", False) is takes


def test_logs_and_the_table_of_calls_outlive_their_stack() -> None:
    """The logs and the table of calls survive their stack."""
    resources = template("platform")["Resources"]
    for name in ("CallsTable", "PhoneLogGroup", "WebLogGroup"):
        assert resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resources[name]["UpdateReplacePolicy"] == "Retain"


def test_the_load_balancer_is_kept_where_that_is_wanted(made: Deployed, secure: Deployed) -> None:
    """The load balancer is protected if the environment's file says so, as production's does."""
    for deployed, wanted in ((made, "false"), (secure, "true")):
        attributes = deployed.of("edge", "LoadBalancer")["LoadBalancerAttributes"]
        assert {"Key": "deletion_protection.enabled", "Value": wanted} in attributes


def test_a_deployment_protects_the_stacks_of_production_once() -> None:
    """A deployment protects production's stacks once, but not the registry, and continues without permission."""
    client = _Client()
    own, said = job(client, DeletionProtection="true")
    rollout = Rollout(own, ChangeApproval(own.screen, all=True))
    for stack in (own.stacks["platform"], own.stacks["platform"], own.stacks.registry):
        rollout._protect(stack)
    on = {"StackName": "pipecat-production-platform", "EnableTerminationProtection": True}
    assert client.asked == [("protection", on)]
    own, said = job(_Client(refuses=True), DeletionProtection="true")
    Rollout(own, ChangeApproval(own.screen, all=True))._protect(own.stacks["edge"])
    assert "could not be protected from deletion: AccessDenied: no" in said[0]
    own, _ = job(client)
    Rollout(own, ChangeApproval(own.screen, all=True))._protect(own.stacks["edge"])
    assert len(client.asked) == 1


def test_what_is_protected_is_deleted_with_consent_only() -> None:
    """A protected stack is deleted only with explicit consent, which a script's --yes is not."""
    client = _Client(protected=True)
    own, said = job(client, "--yes")
    standing = [own.stacks["edge"]]
    with pytest.raises(UsageError, match="production is protected: --yes is not enough"):
        destroy._agreed(own, standing)
    destroy._announce(own, standing)
    assert any("protected" in line for line in said)
    own, _ = job(client, "--yes", "--unprotect")
    destroy._agreed(own, standing)
    destroy._unprotect(own, own.stacks["edge"])
    off = {"StackName": "pipecat-production-edge", "EnableTerminationProtection": False}
    attribute = {"Key": "deletion_protection.enabled", "Value": "false"}
    assert client.asked == [
        ("protection", off),
        ("balancer", {"LoadBalancerArn": "arn:lb", "Attributes": [attribute]}),
    ]


def test_what_is_not_protected_needs_no_more_than_before() -> None:
    """An environment without protection is deleted by one command."""
    client = _Client()
    own, _ = job(client, "--yes")
    destroy._agreed(own, [own.stacks["edge"]])
    destroy._unprotect(own, own.stacks["edge"])
    assert client.asked == []


def test_flow_logs_take_every_line_of_this_account_only(made: Deployed) -> None:
    """Flow logs record every connection, and only AWS's delivery of this account may write to their bucket."""
    log = made.of("flow-logs", "FlowLog")
    assert (log["TrafficType"], log["ResourceType"], log["LogDestinationType"]) == ("ALL", "VPC", "s3")
    assert log["ResourceId"] == made.outputs["network"]["VpcId"]
    for statement in made.of("flow-logs", "FlowLogBucketPolicy")["PolicyDocument"]["Statement"]:
        assert statement["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
        assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == "123456789012"
    assert json.dumps(template("flow-logs")["Resources"]["FlowLog"]["DependsOn"]) == '"FlowLogBucketPolicy"'
