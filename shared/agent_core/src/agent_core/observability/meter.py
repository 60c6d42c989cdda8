"""Add up what happens in this process until it is reported."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from agent_core.observability import emf
from agent_core.observability.emf import Document
from agent_core.observability.metrics import METRICS, NAMESPACE, SERVICE, Metric, MetricKind

type Labels = tuple[tuple[str, str], ...]
"""Dimensions besides ``Service``, by name and value."""

MOST_LABELS: Final = 40
"""Most combinations of labels per metric. Each is a metric that CloudWatch bills; further ones count as ``other``."""


class Meter:
    """The numbers of one service. Nothing here blocks or fails, so it may be called from anywhere on the loop.

    Args:
        service: Value of the dimension ``Service``.
        namespace: In CloudWatch.
        clock: Unix seconds.
    """

    def __init__(self, service: str, namespace: str = NAMESPACE, clock: Callable[[], float] = time.time) -> None:
        self.service = service
        self._namespace = namespace
        self._clock = clock
        self._gauges: dict[Metric, Callable[[], float]] = {}
        self._sums: dict[Labels, dict[Metric, float]] = defaultdict(lambda: defaultdict(float))
        self._lists: dict[Labels, dict[Metric, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._known: dict[Metric, set[Labels]] = defaultdict(set)
        self.before_report: Callable[[], None] = lambda: None
        """Called before the numbers are read, to add what is counted elsewhere."""

    def gauge(self, metric: Metric, read: Callable[[], float]) -> None:
        """Register a gauge that is read at each report."""
        self._gauges[metric] = read

    def count(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        """Add to a counter; every label of the metric must be given."""
        # Once without labels and once with them: an alarm cannot sum over labels that it does not know.
        self._sums[()][metric] += amount
        if metric.labels:
            self._sums[self._labels(metric, labels)][metric] += amount

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Add a value to a distribution; every label of the metric must be given."""
        self._lists[()][metric].append(value)
        if metric.labels:
            self._lists[self._labels(metric, labels)][metric].append(value)

    def documents(self) -> list[Document]:
        """Return what has accumulated since the last call, as documents for CloudWatch."""
        self.before_report()
        # Swapped, so that what is counted meanwhile belongs to the next report.
        sums, self._sums = self._sums, defaultdict(lambda: defaultdict(float))
        lists, self._lists = self._lists, defaultdict(lambda: defaultdict(list))
        # A counter is reported even if it is zero, or an alarm would see missing data.
        zeros = {metric: 0.0 for metric in METRICS if metric.kind is MetricKind.COUNTER}
        gauges = {metric: read() for metric, read in self._gauges.items() if not metric.is_fast}
        sums[()] = {**gauges, **zeros, **sums[()]}
        return [document for labels in {**sums, **lists} for document in self._encode(labels, sums, lists)]

    def fast_documents(self) -> list[Document]:
        """Read the fast gauges, as documents for CloudWatch."""
        gauges = {metric: read() for metric, read in self._gauges.items() if metric.is_fast}
        return list(self._encode((), {(): dict(gauges)}, {}))

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self._clock()

    def _encode(
        self, labels: Labels, sums: dict[Labels, dict[Metric, float]], lists: dict[Labels, dict[Metric, list[float]]]
    ) -> Iterator[Document]:
        values: dict[Metric, float | list[float]] = {**sums.get(labels, {}), **lists.get(labels, {})}
        dimensions = {SERVICE: self.service, **dict(labels)}
        return emf.documents(self._namespace, dimensions, values, round(self._clock() * 1000))

    def _labels(self, metric: Metric, given: dict[str, str]) -> Labels:
        labels = tuple((name, given[name]) for name in metric.labels)
        known = self._known[metric]
        # Bounds the CloudWatch bill, whatever values appear.
        if labels not in known and len(known) >= MOST_LABELS:
            return tuple((name, "other") for name in metric.labels)
        known.add(labels)
        return labels
