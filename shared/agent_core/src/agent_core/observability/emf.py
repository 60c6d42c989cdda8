"""Encode numbers in CloudWatch's embedded metric format, as documents of one line each. No I/O.

Source: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched, zip_longest
from typing import Any, Final

from agent_core.observability.metrics import Metric

type Document = dict[str, Any]
type Values = Mapping[Metric, float | Sequence[float]]

_HIGH_RESOLUTION: Final = 1
"""Seconds; without it CloudWatch keeps minutes, and an alarm cannot have a period of ten seconds."""
_MOST_VALUES: Final = 100
"""Longest list of values that CloudWatch accepts in one document; it rejects a longer one entirely."""


def documents(namespace: str, dimensions: Mapping[str, str], values: Values, at_ms: int) -> Iterator[Document]:
    """Yield the documents for the values of one set of dimensions.

    Args:
        namespace: In CloudWatch.
        dimensions: Name and value, including ``Service``.
        values: A number, or a list of measured ones, per metric.
        at_ms: Unix milliseconds.
    """
    pieces = [[(metric, piece) for piece in _pieces(value)] for metric, value in values.items()]
    # Metrics with short lists are complete after the first document and left out of the others.
    for row in zip_longest(*pieces):
        measured = [entry for entry in row if entry is not None]
        yield {
            "_aws": {"Timestamp": at_ms, "CloudWatchMetrics": [_directive(namespace, dimensions, measured)]},
            "event": "metrics",
            **dimensions,
            **{metric.name: value for metric, value in measured},
        }


def _pieces(value: float | Sequence[float]) -> list[float | list[float]]:
    if isinstance(value, int | float):
        return [value]
    return [list(piece) for piece in batched(value, _MOST_VALUES)]


def _directive(namespace: str, dimensions: Mapping[str, str], measured: Sequence[tuple[Metric, object]]) -> Document:
    return {
        "Namespace": namespace,
        "Dimensions": [list(dimensions)],
        "Metrics": [_definition(metric) for metric, _ in measured],
    }


def _definition(metric: Metric) -> dict[str, Any]:
    resolution = {"StorageResolution": _HIGH_RESOLUTION} if metric.is_fast else {}
    return {"Name": metric.name, "Unit": metric.unit.value, **resolution}
