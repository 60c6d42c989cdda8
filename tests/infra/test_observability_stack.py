"""Dashboard, alarms and saved queries: each uses existing metrics, and each alarm notifies a topic."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.observability import metrics
from tests.support.stacks import Deployed

AWS_METRICS = {
    ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count"),
    ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"),
    ("AWS/ApplicationELB", "RejectedConnectionCount"),
    ("AWS/ApplicationELB", "TargetConnectionErrorCount"),
    ("AWS/ApplicationELB", "TargetResponseTime"),
    ("AWS/ApplicationELB", "UnHealthyHostCount"),
    ("AWS/CertificateManager", "DaysToExpiry"),
    ("AWS/DynamoDB", "ReadThrottleEvents"),
    ("AWS/DynamoDB", "WriteThrottleEvents"),
    ("AWS/ECS", "CPUUtilization"),
    ("AWS/ECS", "MemoryUtilization"),
    ("AWS/NATGateway", "ErrorPortAllocation"),
    ("ECS/ContainerInsights", "RunningTaskCount"),
}
OURS = {one.name: one for one in metrics.METRICS}


def widgets(made: Deployed) -> list[dict[str, Any]]:
    """Return the dashboard's widgets."""
    found: list[dict[str, Any]] = json.loads(made.of("observability", "Dashboard")["DashboardBody"])["widgets"]
    return found


def drawn(made: Deployed) -> Iterator[list[Any]]:
    """Yield the metrics that are drawn, without expressions."""
    for widget in widgets(made):
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], str):
                yield metric


def searches(made: Deployed) -> Iterator[tuple[list[str], str]]:
    """Yield the searches: the text in braces, and the metric."""
    for widget in widgets(made):
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], dict) and "SEARCH" in metric[0]["expression"]:
                found = re.fullmatch(r"SEARCH\('\{(.+)\} MetricName=\"(\w+)\"', '\w+', \d+\)", metric[0]["expression"])
                assert found is not None, metric
                yield found[1].split(","), found[2]


def alarms(made: Deployed) -> dict[str, dict[str, Any]]:
    """Return the alarms by name, without those for scaling, which are active in every quiet hour."""
    found = made.every("AWS::CloudWatch::Alarm").items()
    return {one["AlarmName"]: one for (stack, _), one in found if not stack.endswith("-scaling")}


def watched(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics that an alarm watches, with their dimensions."""
    return [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one] or [alarm]


def fits(kind: metrics.MetricKind, statistic: str) -> bool:
    """Return whether a statistic is meaningful for a metric of this kind."""
    return (
        statistic
        in {
            metrics.MetricKind.GAUGE: {"Average", "Maximum", "SampleCount"},
            metrics.MetricKind.COUNTER: {"Sum"},
            metrics.MetricKind.DISTRIBUTION: {"p50", "p90", "p99", "Maximum", "Average", "Sum", "SampleCount"},
        }[kind]
    )


def test_the_dashboard_draws_only_what_is_measured(made: Deployed) -> None:
    """The dashboard draws only emitted metrics and dimensions, with a suitable statistic."""
    for namespace, name, *rest in drawn(made):
        if namespace != metrics.NAMESPACE:
            assert (namespace, name) in AWS_METRICS
            continue
        dimension, service, options = rest
        assert (dimension, service in metrics.SERVICES) == (metrics.SERVICE, True)
        assert name in OURS
        assert fits(OURS[name].kind, options["stat"]), name
    for (namespace, *dimensions), name in searches(made):
        assert namespace == metrics.NAMESPACE
        assert dimensions in ([metrics.SERVICE], [metrics.SERVICE, *OURS[name].labels]), name


def test_every_question_has_its_row(made: Deployed) -> None:
    """Every question has its row: health, calls, audio quality, failures, cost."""
    titles = " ".join(str(widget["properties"]["title"]) for widget in widgets(made))
    for question in ("Is it well", "Who talks", "How it sounds", "What fails", "What it costs"):
        assert question in titles
    shown = {name for namespace, name, *_ in drawn(made) if namespace == metrics.NAMESPACE}
    shown |= {name for _, name in searches(made)}
    assert OURS.keys() - shown == {
        "ToolTime",
        "DroppedAudio",
        "OpenRequestFailures",
        "StreamTableFailures",
        "CallsNotConnected",
    }, "draw it, or say here why not"


def test_no_two_widgets_overlap(made: Deployed) -> None:
    """No two widgets overlap, because CloudWatch would move one."""
    places = [(w["x"] + x, w["y"] + y) for w in widgets(made) for x in range(w["width"]) for y in range(w["height"])]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 24


def test_the_dashboard_shows_every_alarm(made: Deployed, secure: Deployed) -> None:
    """The dashboard shows every alarm that exists in its environment, and no other."""
    for deployed in (made, secure):
        shown = [arn.rpartition(":alarm:")[2] for w in widgets(deployed) for arn in w["properties"].get("alarms", [])]
        assert sorted(shown) == sorted(alarms(deployed))


def test_the_lines_on_the_dashboard_are_where_alarms_go_off_and_tasks_are_added(made: Deployed) -> None:
    """The lines on the dashboard equal the thresholds of alarms and scaling."""
    policies = made.every("AWS::ApplicationAutoScaling::ScalingPolicy").values()
    held = [one.get("TargetTrackingScalingPolicyConfiguration", {}) for one in policies]
    marks = {one["TargetValue"] for one in held if one}
    marks |= {one["Threshold"] for one in alarms(made).values()}
    annotations = [widget["properties"].get("annotations", {}) for widget in widgets(made)]
    lines = {line["value"] for one in annotations for line in one.get("horizontal", [])}
    assert lines
    assert lines <= marks


@pytest.mark.parametrize("service", ["phone", "web"])
def test_alarms_watch_what_is_measured_and_tell_somebody(made: Deployed, service: str) -> None:
    """Alarms watch emitted metrics, define missing data, and notify the topic."""
    named = {name: one for name, one in alarms(made).items() if name.startswith(f"pipecat-{service}-")}
    assert len(named) == {"phone": 15, "web": 16}[service]
    for name, alarm in named.items():
        assert alarm["AlarmActions"] == [made.outputs["platform"]["AlertTopicArn"]], name
        assert alarm["TreatMissingData"] in {"breaching", "notBreaching"}, name
        assert alarm["AlarmDescription"], name
        for metric in watched(alarm):
            dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            if metric["Namespace"] == metrics.NAMESPACE:
                assert dimensions == {"Service": {"phone": "phone-agent", "web": "webrtc-agent"}[service]}, name
                assert metric["MetricName"] in OURS, name
            else:
                assert (metric["Namespace"], metric["MetricName"]) in AWS_METRICS, name
                assert made.of(service, "Service")["ServiceName"] == dimensions.get(
                    "ServiceName", f"pipecat-{service}-service-test"
                )


@pytest.mark.parametrize("service", ["phone", "web"])
def test_alarms_of_ours_use_a_statistic_that_fits(made: Deployed, service: str) -> None:
    """Alarms on our metrics use a suitable statistic: never the sum of a gauge or the average of a counter."""
    for alarm in made.every("AWS::CloudWatch::Alarm", f"{service}-alarms").values():
        if alarm.get("Namespace") == metrics.NAMESPACE:
            statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
            assert fits(OURS[alarm["MetricName"]].kind, statistic), alarm["AlarmName"]


def test_tasks_that_vanish_are_noticed(made: Deployed) -> None:
    """Tasks that vanish raise an alarm, because missing data is breaching."""
    silent = {name for name, one in alarms(made).items() if one["TreatMissingData"] == "breaching"}
    assert silent == {
        f"pipecat-{service}-{what}-test" for service in ("phone", "web") for what in ("too-few-tasks", "unmeasured")
    }


def test_alarms_may_publish_and_strangers_may_not(made: Deployed) -> None:
    """Alarms may publish to the topic and other principals may not; AWS's own key would block every alarm."""
    topic = made.of("platform", "AlertTopic")
    assert "KmsMasterKeyId" not in topic
    statements = made.of("platform", "AlertTopicPolicy")["PolicyDocument"]["Statement"]
    sources = {one["Principal"]["Service"]: one["Condition"]["ArnLike"]["aws:SourceArn"] for one in statements}
    assert sources == {
        "cloudwatch.amazonaws.com": "arn:aws:cloudwatch:eu-north-1:123456789012:alarm:*",
        "events.amazonaws.com": "arn:aws:events:eu-north-1:123456789012:rule/pipecat-*-test",
        "budgets.amazonaws.com": "arn:aws:budgets::123456789012:*",
    }
    assert {one["Action"] for one in statements} == {"sns:Publish"}
    accounts = [one["Condition"].get("StringEquals") for one in statements if "events" not in str(one["Principal"])]
    assert accounts == [{"aws:SourceAccount": "123456789012"}] * 2


def test_somebody_is_told_where_an_address_is_given(made: Deployed, secure: Deployed) -> None:
    """An address is subscribed to the topic by mail if the environment names one."""
    assert made.every("AWS::SNS::Subscription") == {}
    (subscription,) = secure.every("AWS::SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")


def test_saved_questions_ask_both_logs(made: Deployed) -> None:
    """Saved queries read both services' logs, because a call can appear in either."""
    queries = made.every("AWS::Logs::QueryDefinition")
    assert len(queries) == 5
    for query in queries.values():
        assert query["LogGroupNames"] == [f"/ecs/pipecat-voice-agent-test/{service}" for service in ("phone", "web")]
        assert query["Name"].startswith("pipecat/test/")


def test_questions_ask_for_what_end_records_hold(made: Deployed) -> None:
    """Queries use only fields of end records, because the sum of a missing field is zero."""
    held = {one.name for record in (CallDetailRecord, SessionStats) for one in fields(record)}
    asked = [query["QueryString"] for query in made.every("AWS::Logs::QueryDefinition").values()]
    summed = {name for text in asked for name in re.findall(r"(?:sum|avg|pct|ispresent)\((\w+)", text)}
    assert summed
    assert summed <= held


def test_the_first_question_knows_which_ends_are_no_failure(made: Deployed) -> None:
    """The first query lists every end reason that is not a failure, so a new reason in the code fails here."""
    asked = made.of("observability", "FailedQuery")["QueryString"]
    spared = re.findall(r'"(\w+)"', asked.partition("not in [")[2].partition("]")[0])
    assert sorted(spared) == sorted(reason.value for reason in EndReason if reason.is_normal)
