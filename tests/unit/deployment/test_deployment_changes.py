"""Change sets and failures as the command prints them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployment import changes, failure_advice

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def change(action: str, name: str, kind: str, replacement: str = "False", *properties: str) -> dict[str, Any]:
    """Return a change in CloudFormation's list format."""
    details = [{"Target": {"Attribute": "Properties", "Name": one}} for one in properties]
    resource = {"Action": action, "LogicalResourceId": name, "ResourceType": kind, "Details": details}
    return {"Type": "Resource", "ResourceChange": {**resource, "Replacement": replacement}}


def test_what_hurts_comes_first_and_says_so() -> None:
    """Changes that lose data come first, because a replaced table is empty afterwards."""
    read = changes.read(
        [
            change("Add", "Cpu", "AWS::CloudWatch::Alarm"),
            change("Modify", "Service", "AWS::ECS::Service", "False", "TaskDefinition", "DesiredCount"),
            change("Modify", "Table", "AWS::DynamoDB::Table", "True", "KeySchema"),
            change("Modify", "Bucket", "AWS::S3::Bucket", "Conditional"),
            change("Remove", "Topic", "AWS::SNS::Topic"),
        ]
    )
    assert changes.rows(read) == [
        "- Topic    removed",
        "~ Bucket   replaced",
        "~ Table    replaced · KeySchema",
        "+ Cpu      Alarm",
        "~ Service  DesiredCount, TaskDefinition",
    ]


def test_kinds_are_counted() -> None:
    """Changes are counted by kind, so that a new network is one line and not twenty-two."""
    assert changes.kinds(["AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::Subnet"]) == "2 Subnet, VPC"


def event(minute: int, resource: str, status: str, reason: str = "") -> dict[str, Any]:
    """Return a stack event."""
    at = NOON + timedelta(minutes=minute)
    return {
        "Timestamp": at,
        "LogicalResourceId": resource,
        "ResourceType": "AWS::ECS::Service",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_the_first_failure_is_the_one_that_is_told() -> None:
    """The first failure is reported, because it cancelled the others."""
    newest_first = [
        event(5, "pipecat-test-phone", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Service]"),
        event(4, "Alarm", "CREATE_FAILED", "Resource creation cancelled"),
        event(3, "Service", "CREATE_FAILED", "ECS Deployment Circuit Breaker was triggered."),
        event(2, "Service", "CREATE_IN_PROGRESS"),
    ]
    found = failure_advice.first(newest_first)
    assert found is not None
    assert (found.resource, found.reason) == ("Service", "ECS Deployment Circuit Breaker was triggered.")
    assert "see the log lines below" in found.advice


def test_no_failure_is_none() -> None:
    """A stack that failed without a failure event is reported with its status."""
    assert failure_advice.first([event(1, "Service", "CREATE_COMPLETE")]) is None


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("pipecat/daily-api-key already exists", "SecretsFolder"),
        ("User: arn:aws:iam::1:user/x is not authorized to perform: iam:CreateRole", "operator"),
        ("The maximum number of addresses has been reached. (Service: Ec2)", "Service Quotas"),
        ("Cannot update export pipecat-test-vpc-id as it is in use by pipecat-test-edge", "destroy"),
        ("No export named pipecat-test-vpc-id found", "full `make deploy`"),
        ("5 active deployments exist, unable to create new deployment", "oldest end"),
        ("something nobody has seen", "same command again"),
    ],
)
def test_each_failure_says_what_to_do(reason: str, advice: str) -> None:
    """Each failure includes advice, because CloudFormation only reports what happened."""
    assert advice in failure_advice.Failure("X", "AWS::X", reason).advice


def test_no_advice_cuts_conversations_off_without_saying_so() -> None:
    """Advice that ends live calls says so, because an operator follows it in a hurry."""
    cutting = [advice for _, advice in vars(failure_advice)["_ADVICE"] if re.search("destroy|[Ss]top", advice)]
    assert cutting
    assert [advice for advice in cutting if "cut" not in advice] == []
