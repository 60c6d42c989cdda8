"""The number of tasks: added by free slots, removed slowly, and scheduled for known crowds."""

import re
from typing import Any

import pytest

from agent_core.observability import metrics
from tests.support.stacks import Deployed, parameters_of
from tests.support.templates import template
from tools.load_simulation.policies import FreeSlots
from tools.load_simulation.results_table import CHOSEN, POLICIES
from tools.workspace import ROOT

NAMES = {"phone": "phone-agent", "web": "webrtc-agent"}
"""The names of the services in the code."""
KEPT = {"phone": 20, "web": 5}
PLACES = {"phone": 30, "web": 8}

services = pytest.mark.parametrize("service", ["phone", "web"])


def steps(made: Deployed, service: str, name: str) -> dict[str, Any]:
    """Return the properties of a step policy."""
    described = made.of(f"{service}-scaling", name)
    assert described["PolicyType"] == "StepScaling"
    assert described["ScalingTargetId"] == made.names[f"{service}-scaling", "ScalableTarget"]
    held: dict[str, Any] = described["StepScalingPolicyConfiguration"]
    assert held["AdjustmentType"] == "ChangeInCapacity"
    return held


def bounds(held: dict[str, Any], threshold: float) -> tuple[tuple[float, int], ...]:
    """Return the steps as the simulation has them: a lower metric bound and a number of tasks each."""
    found = held["StepAdjustments"]
    edges = [one.get("MetricIntervalUpperBound") for one in found]
    assert edges == [*(one["MetricIntervalLowerBound"] for one in found[1:]), None]
    return tuple((threshold + float(one["MetricIntervalLowerBound"]), int(one["ScalingAdjustment"])) for one in found)


def queries(alarm: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the metrics of an alarm by their IDs."""
    return {one["Id"]: one.get("MetricStat", one) for one in alarm["Metrics"]}


@services
def test_one_to_four_tasks(made: Deployed, service: str) -> None:
    """The deployed service scales between one and four tasks."""
    target = made.of(f"{service}-scaling", "ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    assert target["ResourceId"] == f"service/pipecat-cluster-test/pipecat-{service}-service-test"
    assert (target["ServiceNamespace"], target["ScalableDimension"]) == ("ecs", "ecs:service:DesiredCount")
    assert "ScheduledActions" not in target


@services
def test_tasks_are_added_by_the_places_that_the_code_reports(made: Deployed, service: str) -> None:
    """Tasks are added every ten seconds by the number of missing tasks, from a high-resolution metric."""
    alarm = made.of(f"{service}-scaling", "FewFreeSlots")
    asked = queries(alarm)
    followed = asked["free"]
    assert followed["Metric"] == {
        "Namespace": metrics.NAMESPACE,
        "MetricName": metrics.FREE_SLOTS.name,
        "Dimensions": [{"Name": metrics.SERVICE, "Value": NAMES[service]}],
    }
    assert (followed["Stat"], followed["Period"]) == ("Sum", 10)
    assert metrics.FREE_SLOTS.is_fast
    assert asked["missing"]["Expression"] == f"({KEPT[service]} - free) / {PLACES[service]}"
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert alarm["EvaluationPeriods"] == 2
    assert alarm["AlarmActions"] == [made.names[f"{service}-scaling", "AddTasks"]]


@services
def test_a_shortage_shows_while_old_tasks_of_a_deployment_still_report_their_places(
    made: Deployed, service: str
) -> None:
    """A shortage counts from the desired number of tasks, because old tasks still report their slots."""
    alarm, spare = (made.of(f"{service}-scaling", name) for name in ("FewTasks", "SpareTasks"))
    asked = queries(alarm)
    assert asked["behind"]["Expression"] == f"(taken * reports / 6 + {KEPT[service]}) / {PLACES[service]} - desired"
    assert {name: asked[name] for name in ("desired", "taken", "reports")} == {
        name: queries(spare)[name] for name in ("desired", "taken", "reports")
    }
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert alarm["EvaluationPeriods"] == 2
    assert alarm["AlarmActions"] == [made.names[f"{service}-scaling", "AddTasks"]]


@services
def test_tasks_are_removed_by_what_is_spare_and_not_by_what_is_idle(made: Deployed, service: str) -> None:
    """Tasks are removed by the spare ones of the desired number, not by slots of deregistered tasks."""
    alarm = made.of(f"{service}-scaling", "SpareTasks")
    asked = queries(alarm)
    assert asked["desired"]["Metric"] == {
        "Namespace": "ECS/ContainerInsights",
        "MetricName": "DesiredTaskCount",
        "Dimensions": [
            {"Name": "ClusterName", "Value": "pipecat-cluster-test"},
            {"Name": "ServiceName", "Value": made.of(service, "Service")["ServiceName"]},
        ],
    }
    reported = {name: asked[name]["Metric"]["MetricName"] for name in ("taken", "reports")}
    assert reported == {"taken": metrics.ACTIVE_SESSIONS.name, "reports": metrics.FREE_SLOTS.name}
    assert {asked[name]["Period"] for name in ("desired", "taken", "reports")} == {60}
    assert [asked[name]["Stat"] for name in ("desired", "taken", "reports")] == ["Average", "Average", "SampleCount"]
    expression = asked["spare"]["Expression"]
    assert expression == f"desired - (taken * reports / 6 + {KEPT[service]}) / {PLACES[service]}"
    assert alarm["AlarmActions"] == [made.names[f"{service}-scaling", "RemoveTasks"]]


@services
def test_the_policies_are_those_that_were_simulated(made: Deployed, service: str) -> None:
    """The policies equal the simulated ones, whose results the page shows."""
    chosen = FreeSlots(PLACES[service], KEPT[service], 1, 4)
    added, removed = steps(made, service, "AddTasks"), steps(made, service, "RemoveTasks")
    spare = made.of(f"{service}-scaling", "SpareTasks")
    assert bounds(added, 0) == chosen.out.steps
    assert bounds(removed, spare["Threshold"]) == chosen.in_.steps
    assert (added["Cooldown"], removed["Cooldown"]) == (chosen.out.cooldown, chosen.in_.cooldown)
    assert spare["EvaluationPeriods"] == chosen.in_minutes
    assert (added["MetricAggregationType"], removed["MetricAggregationType"]) == ("Average", "Minimum")


@services
def test_no_removal_leaves_less_than_is_kept_free(made: Deployed, service: str) -> None:
    """No removal leaves fewer free slots than the policy keeps, even at the smallest surplus."""
    removed = bounds(steps(made, service, "RemoveTasks"), made.of(f"{service}-scaling", "SpareTasks")["Threshold"])
    assert all(spare + change > 0 for spare, change in removed)


@services
def test_the_cpu_only_adds_tasks(made: Deployed, service: str) -> None:
    """CPU above seventy percent adds tasks, and low CPU removes none."""
    described = made.of(f"{service}-scaling", "CpuScaling")
    held = described["TargetTrackingScalingPolicyConfiguration"]
    assert held["PredefinedMetricSpecification"] == {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
    assert held["TargetValue"] == 70
    assert str(held["DisableScaleIn"]).lower() == "true"


@services
def test_a_known_crowd_is_awaited(secure: Deployed, service: str) -> None:
    """A schedule adds tasks before a known crowd, in its time zone, and removes them afterwards."""
    busy, quiet = secure.of(f"{service}-scaling", "ScalableTarget")["ScheduledActions"]
    assert (busy["Schedule"], quiet["Schedule"]) == ("cron(55 07 ? * MON-FRI *)", "cron(00 18 ? * MON-FRI *)")
    assert {busy["Timezone"], quiet["Timezone"]} == {"Europe/Stockholm"}
    assert (busy["ScalableTargetAction"]["MinCapacity"], quiet["ScalableTargetAction"]["MinCapacity"]) == (3, 1)


@services
def test_a_task_admits_what_its_cores_were_measured_to_carry(made: Deployed, service: str) -> None:
    """A task admits what its cores were measured to handle, in both templates, and two cores no more than one."""
    places = {name: template(name)["Mappings"]["Places"][service] for name in ("service", "scaling")}
    assert places["service"] == places["scaling"]
    by_cpu = {int(cpu): int(count) for cpu, count in places["service"].items()}
    assert by_cpu.keys() == set(template("service")["Parameters"]["Cpu"]["AllowedValues"])
    assert by_cpu == {cpu: PLACES[service] * min(cpu, 1024) // 1024 for cpu in by_cpu}
    (container,) = made.of(service, "TaskDefinition")["ContainerDefinitions"]
    given = {one["Name"]: one["Value"] for one in container["Environment"]}
    assert int(given["MAX_SESSIONS"]) == PLACES[service]
    assert KEPT[service] < PLACES[service]


def test_production_has_what_was_chosen() -> None:
    """Production has three tasks, so that it survives the loss of a zone, and the page's free slots."""
    given = parameters_of(ROOT / "infra/environments/production.parameters")
    chosen = POLICIES[CHOSEN]()
    assert isinstance(chosen, FreeSlots)
    assert (int(given["MinTasks"]), int(given["MaxTasks"])) == (chosen.fewest, chosen.most)
    assert chosen.fewest >= 3
    assert int(given["PhonePlacesKeptFree"]) == chosen.kept
    assert chosen.kept / PLACES["phone"] == int(given["WebPlacesKeptFree"]) / PLACES["web"]


def test_a_thousand_calls_fit() -> None:
    """A thousand calls fit into forty-two phone tasks, and as many visits into two hundred web tasks."""
    for name in ("MinTasks", "MaxTasks", "BusyMinTasks"):
        assert template("scaling")["Parameters"][name]["MaxValue"] >= 200
    pattern = template("service")["Parameters"]["DesiredCount"]["AllowedPattern"]
    assert [bool(re.fullmatch(pattern, count)) for count in ("", "0", "42", "200", "1000", "1001")] == [
        *(True, False),
        *(True, True, True, False),
    ]
