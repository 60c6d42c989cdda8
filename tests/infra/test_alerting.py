"""What reaches the alert topic besides the services' alarms: platform alarms, AWS's events, and its subscribers."""

import json
import re
from typing import Any, cast

import pytest
from moto.events.models import EventPattern

from deployment.checks import alerts
from deployment.console import CheckMark
from tests.support.stacks import Deployed, parameters_of
from tests.support.templates import template
from tools.workspace import ROOT

CLUSTER = "arn:aws:ecs:eu-north-1:123456789012:service/pipecat-cluster"
DOCUMENTED = {
    "HTTPCode_ELB_5XX_Count": ("AWS/ApplicationELB", {"LoadBalancer"}),
    "RejectedConnectionCount": ("AWS/ApplicationELB", {"LoadBalancer"}),
    "TargetConnectionErrorCount": ("AWS/ApplicationELB", {"LoadBalancer"}),
    "DaysToExpiry": ("AWS/CertificateManager", {"CertificateArn"}),
    "ErrorPortAllocation": ("AWS/NATGateway", {"NatGatewayId"}),
    "ReadThrottleEvents": ("AWS/DynamoDB", {"TableName"}),
    "WriteThrottleEvents": ("AWS/DynamoDB", {"TableName"}),
}
"""AWS's metrics with their documented dimensions; a metric with other dimensions has no values."""


def platform_alarms(made: Deployed) -> dict[str, dict[str, Any]]:
    """Return the alarms of both services' common resources, by their names without the environment."""
    found = made.every("AWS::CloudWatch::Alarm", "platform-alarms").values()
    return {one["AlarmName"].removeprefix("pipecat-").removesuffix("-test"): one for one in found}


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics that an alarm watches."""
    return [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one] or [alarm]


def test_what_both_services_stand_on_is_watched(made: Deployed, secure: Deployed) -> None:
    """Every common resource has an alarm; certificate and office hours only if they are configured."""
    always = {"load-balancer-errors", "rejected-connections", "connection-errors", "table-throttled", "model-throttled"}
    assert platform_alarms(made).keys() == always | {"nat-ports"}
    assert platform_alarms(secure).keys() == always | {"nat-ports", "certificate-expires", "no-calls"}
    test_the_platform_is_watched_by_metrics_that_aws_has(secure)


def test_the_platform_is_watched_by_metrics_that_aws_has(made: Deployed) -> None:
    """Platform alarms watch metrics that AWS publishes, with the dimensions that AWS documents."""
    for name, alarm in platform_alarms(made).items():
        assert alarm["AlarmActions"] == [made.outputs["platform"]["AlertTopicArn"]], name
        for metric in metrics_of(alarm):
            if metric["Namespace"].startswith("AWS/"):
                namespace, dimensions = DOCUMENTED.get(metric["MetricName"], ("none", set()))
                assert metric["Namespace"] == namespace, name
                assert {one["Name"] for one in metric["Dimensions"]} == dimensions, name


def test_the_way_out_that_is_watched_is_the_one_that_there_is(made: Deployed, secure: Deployed) -> None:
    """The alarms watch each NAT gateway that exists, and none in an existing network."""
    for deployed, count in ((made, 1), (secure, 2)):
        watched = {one["Dimensions"][0]["Value"] for one in metrics_of(platform_alarms(deployed)["nat-ports"])}
        assert len(watched) == count
        assert ",".join(sorted(watched)) == ",".join(
            sorted(set(deployed.outputs["network"]["NatGatewayIds"].split(",")))
        )


def test_an_hour_without_a_call_is_an_alarm_in_office_hours_only(secure: Deployed) -> None:
    """An hour without a call raises an alarm in office hours only; rejected and continuing calls count."""
    alarm = platform_alarms(secure)["no-calls"]
    expression = alarm["Metrics"][0]["Expression"]
    hours = "HOUR(ended) >= 7 AND HOUR(ended) < 16 AND DAY(ended) < 6"
    assert expression == f"IF({hours}, ended + active + refused, 1)"
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert {one["MetricStat"]["Period"] for one in alarm["Metrics"] if "MetricStat" in one} == {3600}


def ecs(kind: str, event: str, name: str, environment: str = "test") -> dict[str, Any]:
    """Return an event of ECS in the form of its documentation's samples."""
    return {
        "source": "aws.ecs",
        "detail-type": kind,
        "resources": [f"{CLUSTER}-{environment}/pipecat-web-service-{environment}"],
        "detail": {"eventType": event, "eventName": name, "reason": "…", "deploymentId": "ecs-svc/1"},
    }


def scan(repository: str, **counts: int) -> dict[str, Any]:
    """Return an event of ECR in the form of its documentation's sample, without severities that have no findings."""
    detail = {
        "scan-status": "COMPLETE",
        "repository-name": repository,
        "finding-severity-counts": counts,
        "image-digest": "sha256:7f",
        "image-tags": ["0a1b2c3"],
    }
    return {"source": "aws.ecr", "detail-type": "ECR Image Scan", "resources": [], "detail": detail}


ACTION, STATE = "ECS Service Action", "ECS Deployment State Change"


EVENTS = [
    ("ServiceTrouble", ecs(ACTION, "WARN", "SERVICE_TASK_START_IMPAIRED"), True),
    ("ServiceTrouble", ecs(ACTION, "ERROR", "SERVICE_TASK_PLACEMENT_FAILURE"), True),
    ("ServiceTrouble", ecs(ACTION, "INFO", "SERVICE_STEADY_STATE"), False),
    ("ServiceTrouble", ecs(ACTION, "ERROR", "SERVICE_TASK_PLACEMENT_FAILURE", "staging"), False),
    ("DeploymentFailed", ecs(STATE, "ERROR", "SERVICE_DEPLOYMENT_FAILED"), True),
    ("DeploymentFailed", ecs(STATE, "INFO", "SERVICE_DEPLOYMENT_COMPLETED"), False),
    ("DeploymentFailed", ecs(STATE, "ERROR", "SERVICE_DEPLOYMENT_FAILED", "production"), False),
    ("ImageFindings", scan("pipecat-voice-agent/web", CRITICAL=1, MEDIUM=9), True),
    ("ImageFindings", scan("pipecat-voice-agent/phone", HIGH=2), True),
    ("ImageFindings", scan("pipecat-voice-agent/phone", MEDIUM=7), False),
    ("ImageFindings", scan("another/web", CRITICAL=1), False),
]


def test_events_of_this_environment_reach_the_topic(made: Deployed) -> None:
    """Only the events of this environment that need an operator reach the topic."""
    for rule_name, event, wanted in EVENTS:
        pattern: Any = made.of("events", rule_name)["EventPattern"]
        assert EventPattern(json.dumps(pattern), pattern).matches_event(cast("Any", event)) is wanted, (
            rule_name,
            event,
        )
    for rule in made.every("AWS::Events::Rule").values():
        (target,) = rule["Targets"]
        assert target["Arn"] == made.outputs["platform"]["AlertTopicArn"]
        assert "RoleArn" not in target  # a topic allows access by its own policy
        asked = set(re.findall(r"<([a-z]+)>", target["InputTransformer"]["InputTemplate"]))
        assert asked == target["InputTransformer"]["InputPathsMap"].keys()
        assert json.loads(target["InputTransformer"]["InputTemplate"])  # text for SNS has to be one quoted string


def test_every_rule_may_publish_by_its_name(made: Deployed) -> None:
    """The topic's policy allows every rule by the pattern of its name."""
    pattern = "arn:aws:events:eu-north-1:123456789012:rule/pipecat-*-test"
    allowed = re.compile(pattern.replace("*", ".*"))
    for rule in made.every("AWS::Events::Rule").values():
        assert allowed.fullmatch(f"arn:aws:events:eu-north-1:123456789012:rule/{rule['Name']}")


def test_a_budget_tells_the_topic(made: Deployed) -> None:
    """A budget notifies the topic of actual and of forecast costs."""
    budget = template("budget")["Resources"]["Budget"]["Properties"]
    subscribers = [one["Subscribers"] for one in budget["NotificationsWithSubscribers"]]
    assert subscribers == [[{"SubscriptionType": "SNS", "Address": {"Ref": "AlertTopicArn"}}]] * 2
    assert {one["Notification"]["NotificationType"] for one in budget["NotificationsWithSubscribers"]} == {
        "ACTUAL",
        "FORECASTED",
    }
    pattern = template("budget")["Parameters"]["AlertTopicArn"]["AllowedPattern"]
    assert re.fullmatch(pattern, made.outputs["platform"]["AlertTopicArn"])


def subscription(arn: str, protocol: str = "email") -> dict[str, str]:
    """Return a subscription in SNS's list format."""
    return {"SubscriptionArn": arn, "Protocol": protocol, "Endpoint": "ops@example.com"}


CONFIRMED = "arn:aws:sns:eu-north-1:123456789012:pipecat-alerts-test:6a"


@pytest.mark.parametrize(
    ("subscriptions", "email", "mark", "says"),
    [
        ([], "", CheckMark.CARE, "no one receives alarms: the topic has no subscriber"),
        ([], "ops@example.com", CheckMark.GOOD, "will receive a confirmation mail"),
        ([subscription("PendingConfirmation")], "ops@example.com", CheckMark.CARE, "has confirmed yet"),
        ([subscription(CONFIRMED)], "", CheckMark.GOOD, "1 subscriber: email"),
        (
            [subscription(CONFIRMED), subscription(CONFIRMED, "https"), subscription("PendingConfirmation")],
            "",
            CheckMark.GOOD,
            "2 subscribers: email, https",
        ),
    ],
    ids=["none", "to be made", "unconfirmed", "one", "two"],
)
def test_a_plan_says_whether_alarms_reach_anyone(
    subscriptions: list[dict[str, str]], email: str, mark: CheckMark, says: str
) -> None:
    """A plan says whether alarms reach an operator and shows no address, because other people read the log."""
    found = alerts.judge(subscriptions, email)
    assert (found.mark, says in found.found) == (mark, True)
    assert "ops@" not in found.found + " ".join(found.advice)


@pytest.mark.parametrize("name", ["test", "staging", "production"])
def test_each_environment_names_who_is_told_or_says_that_it_does_not(name: str) -> None:
    """Each environment names an address for alarms, or has an empty line with the reason."""
    path = ROOT / f"infra/environments/{name}.parameters"
    assert parameters_of(path)["AlertEmail"] == ""
    before = path.read_text().partition("AlertEmail=")[0].splitlines()[-2:]
    assert all(line.startswith("#") for line in before)
    assert "docs/howto/alerts.md" in before[-1]
