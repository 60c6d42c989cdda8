"""Emitted metrics as CloudWatch stores them: points in time, and statistics per period. No I/O."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

type Key = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, metric, and dimensions with their values."""
type Row = NDArray[np.float64]
"""One value per period; NaN if there is none."""


class MetricSeries:
    """Emitted values by metric."""

    def __init__(self) -> None:
        self._points: dict[Key, list[tuple[float, list[float]]]] = defaultdict(list)

    def take(self, document: Mapping[str, Any]) -> None:
        """Add one document of the embedded metric format."""
        about = document["_aws"]
        for directive in about["CloudWatchMetrics"]:
            # A document lists every combination of dimensions under which a metric counts.
            for names in directive["Dimensions"]:
                dimensions = frozenset((name, str(document[name])) for name in names)
                for metric in directive["Metrics"]:
                    value = document[metric["Name"]]
                    # Distributions are lists of values.
                    values = value if isinstance(value, list) else [value]
                    key = (directive["Namespace"], metric["Name"], dimensions)
                    self._points[key].append((about["Timestamp"] / 1000, [float(one) for one in values]))

    @property
    def span(self) -> tuple[float, float]:
        """Unix time of the first and the last point."""
        times = [at for points in self._points.values() for at, _ in points]
        return min(times), max(times)

    def like(self, namespace: str, metric: str, dimensions: frozenset[str]) -> Iterator[dict[str, str]]:
        """Yield the dimension values with which a metric exists."""
        for known_namespace, name, known in sorted(self._points, key=str):
            if (known_namespace, name) == (namespace, metric) and {key for key, _ in known} == dimensions:
                yield dict(known)

    def row(self, key: Key, stat: str, edges: Row) -> Row:
        """Return a statistic for each period between two edges."""
        bins: list[list[float]] = [[] for _ in edges[1:]]
        for at, values in self._points.get(key, []):
            place = int(np.searchsorted(edges, at, side="right")) - 1
            if 0 <= place < len(bins):
                bins[place] += values
        return np.array([_statistic(values, stat) if values else np.nan for values in bins])


def _statistic(values: list[float], stat: str) -> float:
    if stat.startswith("p"):
        return float(np.percentile(values, float(stat[1:])))
    match stat:
        case "Sum":
            return sum(values)
        case "Maximum":
            return max(values)
        case "SampleCount":
            return float(len(values))
    return float(np.mean(values))


def calculate(expression: str, rows: Mapping[str, Row]) -> Row:
    """Evaluate an expression of rows, numbers and the four basic operations.

    Raises:
        ValueError: The expression contains anything else.
    """
    operations = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide}

    def value(node: ast.expr) -> Any:  # noqa: ANN401 - a row or a number
        match node:
            case ast.Name(id=name):
                return rows[name]
            case ast.Constant(value=number):
                return number
            case ast.BinOp(left, operation, right):
                return operations[type(operation)](value(left), value(right))
        raise ValueError(f"{ast.unparse(node)} is not supported in expressions")

    # Division by zero leaves a gap, as in CloudWatch.
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Row = value(ast.parse(expression, mode="eval").body)
    return result
