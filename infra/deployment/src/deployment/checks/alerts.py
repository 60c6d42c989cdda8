"""Whether alarms reach anyone: a topic without a subscriber is silent, and looks like one where all is well."""

from typing import Any, Final

from deployment.aws import Aws
from deployment.checks.finding import Finding, asked, care, good
from deployment.cloudformation import CloudFormation
from deployment.stacks import Stack
from deployment.target_environment import TargetEnvironment

_HOW: Final = "docs/howto/alerts.md: mail, Slack, PagerDuty"


def check(aws: Aws, cloudformation: CloudFormation, environment: TargetEnvironment, platform: Stack) -> Finding:
    """Look for subscribers of the alert topic; one that has not confirmed receives nothing."""
    return asked("alerts", lambda: _look(aws, cloudformation, environment, platform))


def _look(aws: Aws, cloudformation: CloudFormation, environment: TargetEnvironment, platform: Stack) -> Finding:
    topic = cloudformation.outputs(platform).get("AlertTopicArn", "")
    pages = aws.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic) if topic else []
    return judge([one for page in pages for one in page["Subscriptions"]], environment.parameters.get("AlertEmail", ""))


def judge(subscriptions: list[Any], email: str) -> Finding:
    """Say who receives alarms.

    Args:
        subscriptions: of the topic, as SNS lists them.
        email: `AlertEmail` of the environment; whose address it is is not shown, since others read the log.
    """
    confirmed = [one for one in subscriptions if one["SubscriptionArn"].startswith("arn:")]
    if confirmed:
        count = len(confirmed)
        return good("alerts", f"{count} subscriber{'s' * (count > 1)} of the alarms: {_protocols(confirmed)}")
    if subscriptions:
        return care(
            "alerts",
            "no subscriber of the alarms has confirmed yet, so they reach no one",
            "open the message of AWS Notifications and confirm; after three days it is too late, and deploying again "
            "with the address taken out and put back sends another",
        )
    if email:
        return good("alerts", "the address in AlertEmail gets a message to confirm; until then alarms reach no one")
    return care("alerts", "alarms reach no one: the topic has no subscriber", "set AlertEmail, or see " + _HOW)


def _protocols(subscriptions: list[Any]) -> str:
    return ", ".join(sorted({str(one["Protocol"]) for one in subscriptions}))
