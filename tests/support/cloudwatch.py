"""Evaluate alarms as CloudWatch does: metrics from EMF lines, statistics of a period, and metric math.

Written from CloudWatch's documentation, not from the product's alarms: the embedded metric format, "Using metric
math", and how alarms treat missing data.
"""

import ast
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

type Key = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and dimensions."""

_COMPARES: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_OPERATORS: Final[Mapping[type[ast.AST], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class Period:
    """What one period of a metric store holds.

    Args:
        documents: The lines that the services wrote in it.
    """

    def __init__(self, documents: Iterable[Mapping[str, Any]]) -> None:
        self._values: dict[Key, list[float]] = defaultdict(list)
        for document in documents:
            for directive in document["_aws"]["CloudWatchMetrics"]:
                self._take(document, directive)

    def _take(self, document: Mapping[str, Any], directive: Mapping[str, Any]) -> None:
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, str(document[name])) for name in names)
            for metric in directive["Metrics"]:
                given = document[metric["Name"]]
                values = given if isinstance(given, list) else [given]
                self._values[directive["Namespace"], metric["Name"], dimensions] += map(float, values)

    def statistic(self, metric: Mapping[str, Any], statistic: str) -> float | None:
        """Return a statistic of a metric; None where there is no data."""
        dimensions = frozenset((one["Name"], str(one["Value"])) for one in metric["Dimensions"])
        values = sorted(self._values.get((metric["Namespace"], metric["MetricName"], dimensions), []))
        if not values:
            return None
        if percent := re.fullmatch(r"p(\d+)", statistic):
            return values[min(int(len(values) * int(percent[1]) / 100), len(values) - 1)]
        of: dict[str, float] = {"Sum": sum(values), "SampleCount": len(values), "Maximum": values[-1]}
        return of[statistic]

    def goes_off(self, alarm: Mapping[str, Any]) -> bool:
        """Return whether an alarm would be in ALARM after this period."""
        value = self._watched(alarm)
        if value is None:
            return bool(alarm["TreatMissingData"] == "breaching")
        return _COMPARES[alarm["ComparisonOperator"]](value, float(alarm["Threshold"]))

    def _watched(self, alarm: Mapping[str, Any]) -> float | None:
        if "Metrics" not in alarm:
            return self.statistic(alarm, alarm.get("Statistic") or alarm["ExtendedStatistic"])
        stats = {one["Id"]: one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one}
        values = {name: self.statistic(one["Metric"], one["Stat"]) for name, one in stats.items()}
        (returned,) = [one for one in alarm["Metrics"] if one.get("ReturnData", True) is not False]
        return _evaluate(ast.parse(returned["Expression"].replace(" AND ", " and ").replace(" OR ", " or ")), values)


def _evaluate(node: ast.AST, values: Mapping[str, float | None]) -> float | None:  # noqa: PLR0911 - one per construct
    """Compute a metric math expression; a missing value makes the result missing, except within FILL."""
    match node:
        case ast.Module(body=[ast.Expr(value=inner)]):
            return _evaluate(inner, values)
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values[name]
        case ast.Call(func=ast.Name(id="FILL"), args=[inner, filler]):
            value = _evaluate(inner, values)
            return _evaluate(filler, values) if value is None else value
        case ast.Call(func=ast.Name(id="IF"), args=[condition, yes, no]):
            value = _evaluate(condition, values)
            return None if value is None else _evaluate(yes if value else no, values)
        case ast.BoolOp(op=op, values=parts):
            several = [_evaluate(part, values) for part in parts]
            if any(one is None for one in several):
                return None
            return float(all(several) if isinstance(op, ast.And) else any(several))
        case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
            sides = _evaluate(left, values), _evaluate(right, values)
            return None if sides[0] is None or sides[1] is None else float(_OPERATORS[type(op)](sides[0], sides[1]))
    raise ValueError(f"no metric math: {ast.dump(node)}")
