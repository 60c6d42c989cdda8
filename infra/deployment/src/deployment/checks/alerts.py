"""Checks whether alarms reach a person: a topic without subscribers drops every alarm silently."""

from typing import Any, Final

from deployment.aws import Aws
from deployment.checks.finding import Finding, asked, care, good
from deployment.cloudformation import CloudFormation
from deployment.stacks import Stack
from deployment.target_environment import TargetEnvironment

_HOW: Final = "docs/howto/alerts.md: mail, Slack, PagerDuty"


def check(aws: Aws, cloudformation: CloudFormation, environment: TargetEnvironment, platform: Stack) -> Finding:
    """Check the subscribers of the alert topic; an unconfirmed one receives nothing."""
    return asked("alerts", lambda: _look(aws, cloudformation, environment, platform))


def _look(aws: Aws, cloudformation: CloudFormation, environment: TargetEnvironment, platform: Stack) -> Finding:
    topic = cloudformation.outputs(platform).get("AlertTopicArn", "")
    pages = aws.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic) if topic else []
    return judge([one for page in pages for one in page["Subscriptions"]], environment.parameters.get("AlertEmail", ""))


def judge(subscriptions: list[Any], email: str) -> Finding:
    """Return who receives alarms.

    Args:
        subscriptions: The topic's subscriptions, as SNS lists them.
        email: `AlertEmail` of the environment. Not printed, because other people read the log.
    """
    # SNS lists "PendingConfirmation" instead of an ARN until the subscriber confirms.
    confirmed = [one for one in subscriptions if one["SubscriptionArn"].startswith("arn:")]
    if confirmed:
        count = len(confirmed)
        return good("alerts", f"{count} subscriber{'s' * (count > 1)}: {_protocols(confirmed)}")
    if subscriptions:
        return care(
            "alerts",
            "no subscriber has confirmed yet, so no one receives alarms",
            "confirm in the mail from AWS Notifications; it expires after three days: then deploy once without the "
            "address and once with it to get a new one",
        )
    if email:
        return good(
            "alerts", "AlertEmail will receive a confirmation mail; until it is confirmed, no one receives alarms"
        )
    return care("alerts", "no one receives alarms: the topic has no subscriber", "set AlertEmail, or see " + _HOW)


def _protocols(subscriptions: list[Any]) -> str:
    return ", ".join(sorted({str(one["Protocol"]) for one in subscriptions}))
