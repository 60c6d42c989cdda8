"""Metrics: each count is emitted once, in the format that CloudWatch reads."""

import json
from typing import Any

from agent_core.observability import metrics
from agent_core.observability.emf import Document
from agent_core.observability.meter import MOST_LABELS, Meter
from agent_core.observability.metrics import METRICS, NAMESPACE, MetricKind
from agent_core.settings import CoreSettings


def _meter() -> Meter:
    return Meter("phone-agent", clock=lambda: 1_700_000_000.0)


def _values(documents: list[Document], name: str, **labels: str) -> list[Any]:
    """Return a metric's values under exactly these labels."""
    wanted = {"Service", *labels}
    return [
        document[name]
        for document in documents
        if name in document
        and set(document["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) == wanted
        and labels.items() <= document.items()
    ]


def test_each_document_is_what_cloudwatch_reads() -> None:
    """A document has metadata, dimensions that it contains, known units, and values of each metric that it names."""
    meter = _meter()
    meter.count(metrics.TOOL_CALLS, Tool="get_current_weather", Outcome="ok")
    meter.observe(metrics.TURN_LATENCY, 812.5, Agent="weather")
    for document in meter.documents():
        (directive,) = document["_aws"]["CloudWatchMetrics"]
        assert document["_aws"]["Timestamp"] == 1_700_000_000_000
        assert (directive["Namespace"], document["Service"]) == (NAMESPACE, "phone-agent")
        assert directive["Dimensions"][0][0] == "Service"
        assert all(isinstance(document[name], str) and document[name] for name in directive["Dimensions"][0])
        assert all(metric["Unit"] in {"Count", "Milliseconds", "Seconds", "None"} for metric in directive["Metrics"])
        assert all(isinstance(document[metric["Name"]], int | float | list) for metric in directive["Metrics"])
        assert len(directive["Dimensions"][0]) <= 30
        assert len(directive["Metrics"]) <= 100
        json.dumps(document, allow_nan=False)


def test_gauges_and_counters_are_told_at_zero() -> None:
    """Zero is emitted, so that an alarm can distinguish no errors from no service."""
    meter = _meter()
    meter.gauge(metrics.ACTIVE_SESSIONS, lambda: 0)
    documents = meter.documents()
    assert _values(documents, "ActiveSessions") == [0]
    counters = [metric.name for metric in METRICS if metric.kind is MetricKind.COUNTER]
    assert [_values(documents, name) for name in counters] == [[0]] * len(counters)


def test_a_gauge_is_read_when_it_is_told() -> None:
    """A gauge is read when it is emitted, not when the service starts."""
    meter, taken = _meter(), [0]
    meter.gauge(metrics.ACTIVE_SESSIONS, lambda: taken[0])
    meter.documents()
    taken[0] = 7
    assert _values(meter.documents(), "ActiveSessions") == [7]


def test_free_places_come_by_themselves_at_high_resolution_also_at_zero() -> None:
    """An alarm with a period of ten seconds requires a metric with a resolution of one second."""
    meter, free = _meter(), [0]
    meter.gauge(metrics.ACTIVE_SESSIONS, lambda: 1)
    meter.gauge(metrics.FREE_SLOTS, lambda: free[0])
    assert _values(meter.documents(), "FreeSlots") == []
    (document,) = meter.fast_documents()
    assert (document["FreeSlots"], document["event"]) == (0, "metrics")
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": "FreeSlots", "Unit": "Count", "StorageResolution": 1}]
    assert directive["Dimensions"] == [["Service"]]
    usual = [one for doc in meter.documents() for one in doc["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    assert [one for one in usual if "StorageResolution" in one] == []


def test_what_was_told_is_not_told_again() -> None:
    """A value is emitted once: sums are per interval, and CloudWatch adds them up."""
    meter = _meter()
    meter.count(metrics.BARGE_INS, 3)
    meter.observe(metrics.TIME_TO_FIRST_AUDIO, 400)
    assert _values(meter.documents(), "BargeIns") == [3]
    again = meter.documents()
    assert (_values(again, "BargeIns"), _values(again, "TimeToFirstAudio")) == ([0], [])


def test_a_metric_with_labels_comes_twice() -> None:
    """A metric with labels is emitted by service, for alarms, and by label."""
    meter = _meter()
    meter.count(metrics.ERRORS, Error="ThrottlingException")
    meter.count(metrics.ERRORS, Error="ThrottlingException")
    meter.count(metrics.ERRORS, Error="Forbidden")
    documents = meter.documents()
    assert _values(documents, "Errors") == [3]
    assert _values(documents, "Errors", Error="ThrottlingException") == [2]
    assert _values(documents, "Errors", Error="Forbidden") == [1]


def test_a_long_list_of_values_is_split() -> None:
    """CloudWatch accepts a hundred values per document, and drops a longer list."""
    meter = _meter()
    for value in range(250):
        meter.observe(metrics.TURN_LATENCY, value, Agent="weather")
    pieces = _values(meter.documents(), "TurnLatency")
    assert [len(piece) for piece in pieces] == [100, 100, 50]
    assert [value for piece in pieces for value in piece] == list(range(250))


def test_labels_cannot_multiply_without_end() -> None:
    """Each combination is a billed metric, so the forty-first of them is called other."""
    meter = _meter()
    for number in range(MOST_LABELS + 5):
        meter.count(metrics.ERRORS, Error=f"Error{number}")
    documents = meter.documents()
    assert _values(documents, "Errors") == [MOST_LABELS + 5]
    assert _values(documents, "Errors", Error="other") == [5]


def test_names_are_unique_and_the_default_namespace_is_the_documented_one() -> None:
    """Metric names are unique, since two metrics of one name would be added up."""
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    assert CoreSettings.model_fields["metrics_namespace"].default == NAMESPACE
