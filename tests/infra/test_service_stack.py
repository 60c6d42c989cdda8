"""How tasks are replaced, and what rolls a bad replacement back."""

import pytest

from agent_core.errors import AtCapacity, OverBudget
from agent_core.observability import metrics
from tests.support.stacks import Deployed
from tests.support.templates import template

NAMES = {"phone": "phone-agent", "web": "webrtc-agent"}
"""The names of the services in the code."""

services = pytest.mark.parametrize("service", ["phone", "web"])


@services
def test_tasks_are_added_before_they_are_taken_away(made: Deployed, service: str) -> None:
    """New tasks start before old ones stop: 50 and 200 percent, with a grace period of a minute."""
    described = made.of(service, "Service")
    assert described["LaunchType"] == "FARGATE"
    deployment = described["DeploymentConfiguration"]
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (50, 200)
    assert described["HealthCheckGracePeriodSeconds"] == 60
    assert described["AvailabilityZoneRebalancing"] == "ENABLED"


@services
def test_a_bad_deployment_is_taken_back(made: Deployed, service: str) -> None:
    """Unhealthy tasks and every rollback alarm roll a deployment back."""
    deployment = made.of(service, "Service")["DeploymentConfiguration"]
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    alarms = {one["AlarmName"] for one in made.every("AWS::CloudWatch::Alarm", f"{service}-rollback").values()}
    assert alarms
    assert deployment["Alarms"] == {"Enable": True, "Rollback": True, "AlarmNames": sorted(alarms)}


@services
def test_a_full_house_takes_no_deployment_back(made: Deployed, service: str) -> None:
    """A full service rolls no deployment back, because the alarm counts only our own defects."""
    alarm = made.of(f"{service}-rollback", "Defects")
    assert (alarm["Namespace"], alarm["MetricName"]) == (metrics.NAMESPACE, metrics.DEFECTS.name)
    assert alarm["Dimensions"] == [{"Name": metrics.SERVICE, "Value": NAMES[service]}]
    assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("Sum", "notBreaching")
    assert AtCapacity.http_status == OverBudget.http_status == 429


def test_two_tasks_at_the_start_and_the_live_count_afterwards(made: Deployed, secure: Deployed) -> None:
    """The first deployment starts two tasks, and an update keeps the count that scaling has chosen."""
    assert made.of("phone", "Service")["DesiredCount"] == "2"
    assert "DesiredCount" not in secure.of("phone", "Service")


@services
def test_another_secret_or_an_order_starts_tasks_anew(made: Deployed, service: str) -> None:
    """Another nonce starts new tasks, which read the changed secrets."""
    forced = made.of(service, "Service")["ForceNewDeployment"]
    assert forced == {"EnableForceNewDeployment": True, "ForceNewDeploymentNonce": "."}
    nonce = template("service")["Resources"]["Service"]["Properties"]["ForceNewDeployment"]["ForceNewDeploymentNonce"]
    assert nonce == {"Fn::Sub": "${SecretVersion}.${Restart}"}


def test_the_cluster_is_measured_task_by_task(made: Deployed) -> None:
    """Container Insights reports how many tasks run."""
    cluster = made.of("platform", "Cluster")
    assert cluster["ClusterName"] == "pipecat-cluster-test"
    assert cluster["ClusterSettings"] == [{"Name": "containerInsights", "Value": "enhanced"}]
