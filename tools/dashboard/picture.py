"""Draws widgets similarly to CloudWatch, accurately enough to judge the dashboard."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter, date2num
from matplotlib.figure import Figure

from tools.dashboard.board import Curve, Widget
from tools.dashboard.metric_series import MetricSeries, Row, calculate

_COLUMNS = 24
_UNIT = (0.62, 0.5)
"""Size of a column and of a row, in inches."""
_COLOURS = [mpl.colors.to_hex(mpl.colormaps["tab10"](number)) for number in range(10)]
_LEGEND = 1.6
"""Rows for the legend below the curves."""
_MOST_PERIODS = 360

type Drawn = tuple[str, Row, Row]
"""Label, middle of each period in unix seconds, and its value."""


def draw(widgets: Sequence[Widget], numbers: MetricSeries, path: Path, remark: str) -> None:
    """Draw all widgets to a file, whose extension sets the format."""
    # No window system.
    mpl.use("Agg")
    rows = max(widget.y + widget.height for widget in widgets)
    figure = Figure(figsize=(_COLUMNS * _UNIT[0], (rows + 1) * _UNIT[1]), facecolor="#f2f3f3")
    figure.text(0.01, 1 - 0.35 / (rows + 1), remark, fontsize=8, color="#555555", va="top")
    for widget in widgets:
        axes = figure.add_axes(_place(widget, rows + 1))
        axes.set_title(widget.title, fontsize=8, fontweight="bold", loc="left", color="#16191f")
        if widget.alarms:
            _draw_alarms(axes, widget.alarms)
        else:
            _draw_curves(axes, widget, numbers)
    figure.savefig(path, dpi=110)


def _place(widget: Widget, rows: int) -> tuple[float, float, float, float]:
    left, bottom = (widget.x + 0.75) / _COLUMNS, 1 - (widget.y + 1 + widget.height - _LEGEND) / rows
    return left, bottom, (widget.width - 1.1) / _COLUMNS, (widget.height - _LEGEND - 1.2) / rows


def _draw_alarms(axes: Axes, alarms: Sequence[str]) -> None:
    axes.set_axis_off()
    columns = 7
    for number, name in enumerate(alarms):
        x, y = (number % columns) / columns, 1 - (number // columns + 1) / -(-len(alarms) // columns)
        words = name.removeprefix("pipecat-").removesuffix("-Environment").replace("-", " ")
        # Names and positions only: the state comes from CloudWatch.
        box = {"boxstyle": "round,pad=0.35", "facecolor": "#ffffff", "edgecolor": "#879596"}
        axes.text(x, y + 0.1, words, fontsize=7, bbox=box, transform=axes.transAxes, clip_on=False)


def _draw_curves(axes: Axes, widget: Widget, numbers: MetricSeries) -> None:
    drawn = list(_rows(widget.curves, numbers))
    colours = [_COLOURS[number % len(_COLOURS)] for number in range(len(drawn))]
    if widget.stacked and drawn:
        times = [_moment(at) for at in drawn[0][1]]
        # A stack needs values everywhere.
        values = [np.nan_to_num(row) for _, _, row in drawn]
        axes.stackplot(times, values, labels=[label for label, _, _ in drawn], colors=colours, alpha=0.75)
    else:
        for (label, at, row), colour in zip(drawn, colours, strict=True):
            # Leave gaps where there is no value.
            there = ~np.isnan(row)
            axes.plot([_moment(one) for one in at[there]], row[there], label=label, color=colour, linewidth=1.1)
    for words, value in widget.lines:
        axes.axhline(value, color="#d13212", linewidth=0.8, linestyle="--")
        place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "va": "bottom"}
        axes.annotate(words, (0.01, value), fontsize=6, color="#d13212", **place)
    if not drawn:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", fontsize=8, color="grey")
    _dress(axes, len(drawn))


def _dress(axes: Axes, curves: int) -> None:
    axes.set_ylim(bottom=0)
    axes.xaxis_date()
    axes.xaxis.set_major_locator(AutoDateLocator(maxticks=7))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))  # type: ignore[no-untyped-call]
    axes.tick_params(labelsize=6.5, colors="#555555")
    axes.grid(visible=True, color="#e5e5e5", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if curves:
        below: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (-0.08, -0.11), "frameon": False}
        axes.legend(fontsize=5.2, ncols=2, columnspacing=1.0, handlelength=1.2, labelspacing=0.25, **below)


def _rows(curves: Sequence[Curve], numbers: MetricSeries) -> Iterator[Drawn]:
    """Yield the curves; an expression has the longest period of its inputs."""
    named = {curve.name: curve for curve in curves if curve.name}
    for curve in curves:
        if curve.expression:
            # Rows of an expression must have the same periods.
            edges = _edges(numbers, max((one.period for one in named.values()), default=60))
            rows = {name: _row(one, one.dimensions, numbers, edges) for name, one in named.items()}
            yield curve.label, (edges[1:] + edges[:-1]) / 2, calculate(curve.expression, rows)
        elif curve.shown:
            edges = _edges(numbers, curve.period)
            middles = (edges[1:] + edges[:-1]) / 2
            for label, dimensions in _wanted(curve, numbers):
                yield label, middles, _row(curve, dimensions, numbers, edges)


def _wanted(curve: Curve, numbers: MetricSeries) -> Iterator[tuple[str, dict[str, str]]]:
    if not curve.is_search:
        yield curve.label, curve.dimensions
        return
    for found in numbers.like(curve.namespace, curve.metric, frozenset(curve.dimensions)):
        yield " ".join(found[name] for name in curve.dimensions), found


def _row(curve: Curve, dimensions: dict[str, str], numbers: MetricSeries, edges: Row) -> Row:
    return numbers.row((curve.namespace, curve.metric, frozenset(dimensions.items())), curve.stat, edges)


def _edges(numbers: MetricSeries, period: int) -> Row:
    """Return the edges of periods; shorter ones than the dashboard's if the data covers only minutes."""
    first, last = numbers.span
    # A short recording has shorter periods, or it would be a single point.
    seconds = min(period, max(1.0, (last - first) / 20))
    return np.arange(first, last + 2 * seconds, max(seconds, (last - first) / _MOST_PERIODS))


def _moment(at: float) -> float:
    return float(date2num(datetime.fromtimestamp(at, UTC)))  # type: ignore[no-untyped-call]
