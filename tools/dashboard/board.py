"""Parses the dashboard in the template: widgets and their metrics. No I/O except reading the file."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from agent_core.observability.metrics import NAMESPACE
from tools.workspace import ROOT

TEMPLATE = ROOT / "infra/cloudformation/observability.yaml"
# CloudWatch's SEARCH, in the form that the template uses.
_SEARCH = re.compile(r"SEARCH\('\{([^,]+),([^}]+)\} MetricName=\"(\w+)\"', '(\w+)', (\d+)\)")


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a widget: a metric, a search for metrics, or an expression over other lines of the widget.

    Attributes:
        label: Text in the legend.
        stat: Statistic, as CloudWatch names it.
        period: Period in seconds.
        namespace: Namespace of the metric, or of the search.
        metric: Name of the metric.
        dimensions: Names and values; for a search, the values are empty.
        expression: The expression, which refers to other lines by ``name``.
        name: ID for expressions.
        shown: Whether it is drawn.
    """

    label: str
    stat: str = ""
    period: int = 60
    namespace: str = ""
    metric: str = ""
    dimensions: dict[str, str] = field(default_factory=dict)
    expression: str = ""
    name: str = ""
    shown: bool = True

    @property
    def is_search(self) -> bool:
        """Whether it searches for all values of its dimensions."""
        return bool(self.dimensions) and not any(self.dimensions.values())


@dataclass(frozen=True, slots=True)
class Widget:
    """One widget. Coordinates start at the upper left, in 24 columns."""

    title: str
    x: int
    y: int
    width: int
    height: int
    stacked: bool
    lines: tuple[tuple[str, float], ...]
    """Horizontal annotations: label and value."""
    curves: tuple[Curve, ...]
    alarms: tuple[str, ...]


class _Loader(yaml.SafeLoader):
    """Loads ``!Sub`` and other functions as their arguments."""


def _contents(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> object:
    # Drops the function names: only their contents matter here.
    match node:
        case yaml.SequenceNode():
            return loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            return loader.construct_mapping(node, deep=True)
        case _:
            return loader.construct_scalar(node)  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _contents)


def read(template: Path = TEMPLATE) -> list[Widget]:
    """Return the widgets of a template; a reference that CloudFormation would resolve becomes its name."""
    resources = yaml.load(template.read_text(encoding="utf-8"), _Loader)["Resources"]  # noqa: S506 - a SafeLoader
    body, filled = resources["Dashboard"]["Properties"]["DashboardBody"]
    # Conditional content is left out, as in an environment without optional features.
    values = {name: str(given[2]) for name, given in filled.items() if isinstance(given, list)}
    values["MetricsNamespace"] = NAMESPACE
    # Unknown names stay as they are, which makes them visible in the picture.
    text = re.sub(r"\$\{(\w+)\}", lambda name: values.get(name[1], str(name[1])), body)
    return [_widget(one) for one in json.loads(text)["widgets"]]


def _widget(described: dict[str, Any]) -> Widget:
    properties = described["properties"]
    lines = properties.get("annotations", {}).get("horizontal", [])
    return Widget(
        title=properties["title"],
        x=described["x"],
        y=described["y"],
        width=described["width"],
        height=described["height"],
        stacked=properties.get("stacked", False),
        lines=tuple((line["label"], line["value"]) for line in lines),
        curves=tuple(_curves(properties.get("metrics", []), properties.get("period", 60))),
        alarms=tuple(arn.rpartition(":alarm:")[2] for arn in properties.get("alarms", [])),
    )


def _curves(metrics: list[list[Any]], period: int) -> Iterator[Curve]:
    for metric in metrics:
        # Only the last element may be a mapping.
        options = metric[-1] if isinstance(metric[-1], dict) else {}
        if "expression" in options:
            yield _calculated(options)
            continue
        namespace, name, *dimensions = metric[:-1]
        pairs = dict(zip(dimensions[::2], dimensions[1::2], strict=True))
        yield Curve(
            options.get("label", name),
            options["stat"],
            options.get("period", period),
            namespace,
            name,
            pairs,
            name=options.get("id", ""),
            shown=options.get("visible", True),
        )


def _calculated(options: dict[str, Any]) -> Curve:
    found = _SEARCH.fullmatch(options["expression"])
    if found is None:
        return Curve(options.get("label", ""), expression=options["expression"])
    namespace, dimensions, metric, stat, period = found.groups()
    return Curve("", stat, int(period), namespace, metric, dict.fromkeys(dimensions.split(","), ""))
