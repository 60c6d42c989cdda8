"""The estimate: an item for each resource that costs money without calls, and the price of a minute."""

import io
import re
from types import SimpleNamespace
from typing import Any

import pytest

from agent_core.observability.metrics import METRICS, MetricKind
from agent_core.settings import CoreSettings
from deployment import bill, cost
from deployment.console import Screen
from deployment.deploy_context import DeployContext
from deployment.stacks import stacks_of
from deployment.target_environment import TargetEnvironment
from tests.support.templates import template
from tools.workspace import ROOT

SERVICES = ("phone", "web")
NETWORK = {"VpcId": "vpc-1", "PublicSubnetIds": "subnet-1,subnet-2,subnet-3", "TaskSubnetIds": "subnet-1"}


def job_of(**parameters: str) -> DeployContext:
    """Return a job on an environment that has nothing in AWS."""
    environment = TargetEnvironment("test", parameters)
    nothing: Any = SimpleNamespace()
    screen = Screen(io.StringIO(), {})
    stacks = stacks_of(environment, ROOT / "infra/cloudformation")
    return DeployContext(nothing, environment, stacks, nothing, nothing, screen, nothing, nothing)


def estimate(each: int = 2, **parameters: str) -> dict[str, float]:
    """Return the estimate for this many tasks of each service, in dollars per item."""
    items = cost.estimate(job_of(**parameters), dict.fromkeys(SERVICES, each))
    return {item.what: round(item.dollars, 2) for item in items}


def dollars(found: dict[str, float], words: str) -> float:
    """Return the one item whose name begins with this text."""
    (one,) = (dollars for what, dollars in found.items() if re.match(words, what))
    return one


def counted(kind: str, *names: str) -> int:
    """Count the resources of a kind in templates, including conditional ones."""
    return sum(one["Type"] == kind for name in names for one in template(name)["Resources"].values())


def test_the_usual_environment() -> None:
    """The defaults cost 730 hours of tasks, a load balancer with two addresses and one NAT gateway."""
    task = (1 * 0.04048 + 2 * 0.004445) * 730
    found = estimate()
    assert found["4 tasks of 1 vCPU and 2 GB"] == pytest.approx(4 * task, abs=0.01)
    assert dollars(found, "load balancer, .* each of 2 zones") == pytest.approx((0.0225 + 2 * 0.005) * 730, abs=0.01)
    assert found["1 NAT gateway, with a public IPv4 address"] == pytest.approx((0.045 + 0.005) * 730, abs=0.01)
    assert dollars(found, "2 secrets") == 2 * 0.4
    assert dollars(found, "1 dashboard") == 3


def test_what_is_counted_is_what_the_templates_make() -> None:
    """The estimate counts what the templates create, compared with an independent count."""
    found = estimate()
    templates = [*("service", "alarms") * 2, "observability", "edge", "platform"]
    alarms = counted("AWS::CloudWatch::Alarm", *templates)
    (alarm_metrics,) = (int(one) for what in found for one in re.findall(r"alarms on (\d+) metrics", what))
    assert alarm_metrics > alarms > 2
    always = [one for one in METRICS if one.kind in {MetricKind.GAUGE, MetricKind.COUNTER}]
    assert dollars(found, r"\d+ custom metrics") == pytest.approx(2 * 0.3 * (len(always) + 1))  # EventLoopLag as well
    assert cost.measured()["seconds_between_lines"] == CoreSettings.model_fields["metrics_interval_seconds"].default
    rules = template("firewall")["Resources"]["WebAcl"]["Properties"]["Rules"]
    assert dollars(estimate(Firewall="true"), f"firewall of {len(rules)} rules") == 5 + len(rules)


def test_an_alarm_costs_by_the_metrics_that_it_looks_at() -> None:
    """An alarm costs by its metrics: a ratio has two, and target tracking creates an alarm per direction."""
    metrics = [{"Expression": "a / b"}, {"MetricStat": {}}, {"MetricStat": {}}]
    tracking: dict[str, Any] = {"TargetTrackingScalingPolicyConfiguration": {"PredefinedMetricSpecification": {}}}
    made: list[Any] = [
        {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "One"}},
        {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": metrics}},
        {"Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": tracking},
        {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    ]
    assert [cost._alarm_metrics([one]) for one in made] == [1, 2, 2, 0]


def test_what_is_chosen_otherwise_costs_otherwise() -> None:
    """Other choices cost other amounts: ARM a fifth less, a NAT gateway per zone twice as much."""
    own = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:corp/twilio-a1b2c3"
    other = estimate(CpuArchitecture="ARM64", NatGateways="per-zone", TwilioSecretArn=own, AccessLogs="true")
    assert dollars(other, "4 tasks") / dollars(estimate(), "4 tasks") == pytest.approx(0.8, abs=0.01)
    assert dollars(other, "2 NAT gateways, .* each") == 2 * dollars(estimate(), "1 NAT gateway")
    assert dollars(other, "1 secret$") == 0.4


def test_a_network_that_is_there_has_no_nat_but_addresses() -> None:
    """An existing network has no NAT gateway of ours, so each task may need a public address."""
    found = estimate(2, **NETWORK)
    assert dollars(found, "public IPv4 addresses of tasks") == pytest.approx(4 * 0.005 * 730, abs=0.01)
    assert dollars(found, "load balancer, .* each of 3 zones") == pytest.approx((0.0225 + 3 * 0.005) * 730, abs=0.01)
    assert [
        what for what in estimate(2, **NETWORK, TaskPublicIp="DISABLED") if "NAT" in what or "of tasks" in what
    ] == []


@pytest.mark.parametrize(
    ("parameters", "fewest", "first"),
    [({}, 1, 2), ({"MinTasks": "3"}, 3, 3), ({"DesiredCount": "1"}, 1, 1), ({"MaxTasks": "1"}, 1, 1)],
)
def test_the_tasks_that_stay_are_told_from_those_of_the_start(
    parameters: dict[str, str], fewest: int, first: int
) -> None:
    """A month counts the tasks that remain, because scaling removes the first ones within minutes."""
    tasks = cost.Tasks.of(job_of(**parameters))
    assert (tasks.fewest, tasks.first) == (dict.fromkeys(SERVICES, fewest), dict.fromkeys(SERVICES, first))


def test_the_bill_says_the_least_what_the_start_costs_and_what_runs_now() -> None:
    """The bill states the minimum, the cost of the first tasks and, after a deployment, the current cost."""

    def heading(**running: int) -> str:
        job = job_of()
        stream = io.StringIO()
        job.screen = Screen(stream, {})
        bill.show(job, running or None)
        return str(re.findall(r"About .* without calls.*", stream.getvalue())[0])

    least = round(sum(estimate(1).values()))
    assert (
        heading()
        == f"About ${least} a month without calls, ${round(sum(estimate(2).values()))} with the initial number of tasks"
    )
    assert heading(phone=1, web=1) == f"About ${least} a month without calls"
    assert f"{least} a month without calls, ${round(sum(estimate(4).values()))} as it runs now" in heading(
        phone=4, web=4
    )


def test_a_minute_of_a_call_is_the_models_twilios_and_a_trace_of_traffic() -> None:
    """A minute of a call costs the same in the estimate as in the metric EstimatedCost."""
    model, twilio, traffic = (item.dollars for item in cost.minute())
    prices = {
        name: CoreSettings.model_fields[f"{name}_usd_per_1k_tokens"].default
        for name in ("speech_input", "speech_output")
    }
    assert model == pytest.approx((30 * 25 * prices["speech_input"] + 18 * 25 * prices["speech_output"]) / 1000)
    assert twilio == pytest.approx(0.0125)
    assert 0 < traffic < model / 20


def test_the_prices_say_where_and_when_they_are_from() -> None:
    """The prices state their region and date, so that a reader does not take them for a bill."""
    said = cost.prices()["said"]
    assert all(word in said for word in ("us-east-1", "2026", "not checked"))
    assert re.fullmatch(r"20\d\d-\d\d", cost.prices()["read"])
