"""Generates sample data: six hours of a service, recorded by the product's own metrics code.

The conversations are invented, and so are AWS's metrics. Half-way, the model throttles for a quarter of an hour; later,
the phone service is deployed.
"""

# ruff: noqa: S311 - randomness only invents callers, and must be reproducible

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agent_core.admission import Admission
from agent_core.daily_budget import DailyBudget, Prices
from agent_core.errors import AtCapacity, Draining, Forbidden
from agent_core.events import CallDetailRecord, EndReason, Rating, SessionStats
from agent_core.observability import metrics
from agent_core.observability.meter import Meter
from agent_core.observability.metrics_recorder import MetricsRecorder
from agent_core.settings import CoreSettings

HOURS = 6
_BEGAN = 1_790_000_000.0
_TROUBLE = range(165, 180)
_DEPLOYED = range(262, 274)
_CROWDED = 14.0
_REASONS = (
    [EndReason.CALLER_HUNG_UP] * 12
    + [EndReason.AGENT_ENDED] * 6
    + [EndReason.TRANSFERRED, EndReason.MEDIA_DISCONNECTED]
)


@dataclass
class Minute:
    """One minute, and what happens in it."""

    number: int
    phone: bool

    @property
    def at(self) -> float:
        """Unix time."""
        return _BEGAN + self.number * 60

    @property
    def throttled(self) -> bool:
        """Whether the model throttles."""
        return self.number in _TROUBLE

    @property
    def load(self) -> float:
        """Concurrent conversations per task."""
        wave = 0.55 + 0.45 * math.sin(self.number / (HOURS * 60) * 2 * math.pi - 1)
        return wave * (16 if self.phone else 3.5) + random.uniform(-0.5, 0.5)


def documents() -> Iterator[dict[str, Any]]:
    """Yield the six hours as the logs of all tasks contain them."""
    # Seeded, so that the picture is the same each time.
    random.seed(7)
    for service in metrics.SERVICES:
        for _ in range(2):
            yield from _task(service)
        for number in range(HOURS * 60):
            yield from _of_aws(Minute(number, service == "phone-agent"), service)


def _task(service: str) -> Iterator[dict[str, Any]]:
    now = _BEGAN
    meter = Meter(service, clock=lambda: now)
    counting = MetricsRecorder(meter, Prices.of(CoreSettings()), DailyBudget(None))
    # The number of places per task.
    admission = Admission(40)
    counting.watch(admission)
    for number in range(HOURS * 60):
        minute = Minute(number, service == "phone-agent")
        now, admission.taken = minute.at, max(0, round(minute.load))
        # Three minutes is the mean length of a conversation.
        for _ in range(_poisson(minute.load / 3)):
            _converse(counting, minute)
        _meet_trouble(counting, minute)
        for _ in range(20):
            meter.observe(metrics.EVENT_LOOP_LAG, random.expovariate(1 / 3) + minute.load / 2)
        yield from meter.documents()
        yield from meter.fast_documents()


def _converse(counting: MetricsRecorder, minute: Minute) -> None:
    minutes = random.lognormvariate(0.8, 0.5)
    failed = minute.throttled and _chance(0.5)
    tally = SessionStats(
        # Throttling makes first words three times as slow.
        first_audio_ms=round(random.lognormvariate(6.5, 0.3) * (3 if minute.throttled else 1)),
        interruptions=_poisson(minutes / 2),
        model_streams=1 + int(minutes / 7),
        speech_input_tokens=round(minutes * 900),
        text_input_tokens=round(900 + minutes * 500),
        speech_output_tokens=round(minutes * 700),
        text_output_tokens=round(minutes * 150),
    )
    if failed:
        tally.count_model_error("ThrottlingException")
    for _ in range(_poisson(minutes)):
        counting.answered(random.lognormvariate(6.6, 0.35) * (2.5 if minute.throttled else 1))
    _use_tools(counting)
    reason = EndReason.MODEL_UNAVAILABLE if failed else random.choice(_REASONS)
    record = CallDetailRecord("", "phone", reason, minute.at, round(minutes * 60_000 * (0.1 if failed else 1)), tally)
    counting.ended(record)
    if not minute.phone and _chance(0.3):
        counting.rated(Rating.DOWN if failed or _chance(0.1) else Rating.UP)


def _use_tools(counting: MetricsRecorder) -> None:
    if _chance(0.6):
        outcome = random.choices(["ok", "timeout", "error"], [40, 2, 1])[0]
        counting.tool_called("get_current_weather", outcome, random.lognormvariate(5.5, 0.5))
    if _chance(0.2):
        counting.tool_called("get_weather_forecast", "ok", random.lognormvariate(5.5, 0.5))


def _meet_trouble(counting: MetricsRecorder, minute: Minute) -> None:
    if minute.phone and minute.number in _DEPLOYED and _chance(0.4):
        counting.refused(Draining("deployed"))
    if minute.load > _CROWDED and _chance(0.1):
        counting.refused(AtCapacity("full"))
    if _chance(0.02):
        counting.failed(Forbidden("signature_missing"))


def _of_aws(minute: Minute, service: str) -> Iterator[dict[str, Any]]:
    """Yield invented values of AWS's own metrics."""
    name = "phone" if minute.phone else "web"
    deploying = minute.phone and minute.number in _DEPLOYED
    ecs = {"ClusterName": "Cluster", "ServiceName": f"pipecat-{name}-service-Environment"}
    group = {"LoadBalancer": "LoadBalancer", "TargetGroup": "PhoneGroup" if minute.phone else "WebGroup"}
    load = minute.load / (16 if minute.phone else 3.5)
    made_up = [
        ("ECS/ContainerInsights", "RunningTaskCount", 3 if deploying else 2, ecs),
        ("AWS/ECS", "CPUUtilization", 8 + 38 * load + random.uniform(0, 4), ecs),
        ("AWS/ECS", "MemoryUtilization", 22 + 14 * load, ecs),
        ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", int(minute.throttled and _chance(0.2)), group),
        ("AWS/ApplicationELB", "UnHealthyHostCount", int(deploying and _chance(0.2)), group),
    ]
    for namespace, metric, value, dimensions in made_up:
        directive = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": [{"Name": metric}]}
        about = {"Timestamp": round(minute.at * 1000), "CloudWatchMetrics": [directive]}
        yield {"_aws": about, metric: value, **dimensions, "Service": service}


def _chance(share: float) -> bool:
    return random.random() < share


def _poisson(mean: float) -> int:
    # Knuth's method.
    limit, count, product = math.exp(-max(mean, 0.0)), 0, random.random()
    while product > limit:
        count, product = count + 1, product * random.random()
    return count
