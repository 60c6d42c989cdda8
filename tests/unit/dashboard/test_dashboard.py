"""The dashboard as a picture: it draws what the code emits, and every query has data."""

import json
from pathlib import Path

import numpy as np
import pytest

from agent_core.observability.metrics import METRICS, NAMESPACE
from tools.dashboard import __main__ as command
from tools.dashboard import board, sample_data
from tools.dashboard.metric_series import MetricSeries, calculate

EDGES = np.array([0.0, 60.0, 120.0, 180.0])


@pytest.fixture(scope="module")
def numbers() -> MetricSeries:
    """Return six hours of sample data."""
    series = MetricSeries()
    for document in sample_data.documents():
        series.take(document)
    return series


def _document(at: float, value: object, **dimensions: str) -> dict[str, object]:
    metrics = [{"Name": "Metric", "Unit": "Count"}]
    directive = {"Namespace": "Space", "Dimensions": [list(dimensions)], "Metrics": metrics}
    return {"_aws": {"Timestamp": at * 1000, "CloudWatchMetrics": [directive]}, "Metric": value, **dimensions}


def test_every_curve_of_the_dashboard_has_something_to_draw(numbers: MetricSeries) -> None:
    """The dashboard requests only metrics that the code emits, with exactly the dimensions that it emits."""
    first, last = numbers.span
    edges = np.array([first, last + 1])
    asked = [curve for widget in board.read() for curve in widget.curves if curve.namespace == NAMESPACE]
    assert {curve.metric for curve in asked} <= {metric.name for metric in METRICS}
    for curve in asked:
        if curve.is_search:
            assert list(numbers.like(curve.namespace, curve.metric, frozenset(curve.dimensions))), curve
            continue
        key = (curve.namespace, curve.metric, frozenset(curve.dimensions.items()))
        assert not np.isnan(numbers.row(key, curve.stat, edges)).any(), curve


def test_statistics_are_those_of_cloudwatch() -> None:
    """Statistics are computed per period, and a period without data has no value."""
    series = MetricSeries()
    for at, value in ((10, 1), (20, [2, 3]), (130, [10, 20, 30, 40])):
        series.take(_document(at, value, Service="one"))
    series.take(_document(10, 100, Service="two"))
    key = ("Space", "Metric", frozenset({("Service", "one")}))
    assert np.array_equal(series.row(key, "Sum", EDGES), [6, np.nan, 100], equal_nan=True)
    assert np.array_equal(series.row(key, "Average", EDGES), [2, np.nan, 25], equal_nan=True)
    assert np.array_equal(series.row(key, "SampleCount", EDGES), [3, np.nan, 4], equal_nan=True)
    assert series.row(key, "p50", EDGES)[2] == 25
    assert list(series.like("Space", "Metric", frozenset({"Service"}))) == [{"Service": "one"}, {"Service": "two"}]


def test_calculations_are_arithmetic_and_nothing_else() -> None:
    """An expression of the dashboard is evaluated as arithmetic, never as Python code."""
    rows = {"failed": np.array([1.0, 0.0]), "ended": np.array([4.0, 2.0])}
    assert list(calculate("100 * failed / ended", rows)) == [25.0, 0.0]
    with pytest.raises(ValueError, match="not supported in expressions"):
        calculate("__import__('os')", rows)


def test_a_picture_is_drawn_from_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture can be drawn from the log of a real run, and lines without metrics are skipped."""
    log, picture = tmp_path / "phone-agent.jsonl", tmp_path / "dashboard.png"
    lines = [json.dumps(document) for _, document in zip(range(300), sample_data.documents(), strict=False)]
    log.write_text("\n".join(["no JSON", '{"event": "starting"}', *lines]))
    monkeypatch.setattr("sys.argv", ["dashboard", str(log), "--out", str(picture)])
    assert command.main() == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 50_000
