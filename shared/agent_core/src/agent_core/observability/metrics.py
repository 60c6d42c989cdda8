"""Define every metric. Dashboards, alarms and scaling policies use these and no others.

Every metric has the dimension ``Service`` (``phone-agent`` or ``webrtc-agent``). One with labels is emitted twice: by
service, so that it can be summed and alarmed on, and by service and labels, so that it can be broken down. No label
takes its value from what a caller, a visitor or the model said. ``Agent`` is the folder name of an agent of the task,
or ``other``.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NAMESPACE: Final = "VoiceAgent"
"""CloudWatch namespace unless ``METRICS_NAMESPACE`` overrides it."""
SERVICE: Final = "Service"
"""The dimension of every metric."""
SERVICES: Final = ("phone-agent", "webrtc-agent")
"""Its values."""


class Unit(StrEnum):
    """The CloudWatch units in use."""

    COUNT = "Count"
    MILLISECONDS = "Milliseconds"
    SECONDS = "Seconds"
    NONE = "None"


class MetricKind(StrEnum):
    """How values become numbers."""

    GAUGE = "gauge"
    """The current value; reported at every interval, even if zero. Statistic: Average is per task."""
    COUNTER = "counter"
    """Count since the last interval; reported per service at every interval, even if zero. Statistic: Sum."""
    DISTRIBUTION = "distribution"
    """Each measured value. Statistic: p50, p90, p99, Maximum."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: In CloudWatch.
        kind: Gauge, counter or distribution.
        text: What it measures.
        unit: Of its values.
        labels: Dimensions besides ``Service``.
        is_fast: Emitted every ten seconds at high resolution, regardless of ``METRICS_INTERVAL_SECONDS``; gauges only.
    """

    name: str
    kind: MetricKind
    text: str
    unit: Unit = Unit.COUNT
    labels: tuple[str, ...] = ()
    is_fast: bool = False


ACTIVE_SESSIONS: Final = Metric(
    "ActiveSessions",
    MetricKind.GAUGE,
    "Slots taken: conversations, and ringing calls. Its average is sessions per task.",
)
FREE_SLOTS: Final = Metric(
    "FreeSlots",
    MetricKind.GAUGE,
    "Free slots; 0 while the task drains or its event loop is late. Every ten seconds, once per task: its Sum over ten "
    "seconds is what the service has free, and scaling uses it.",
    is_fast=True,
)
SESSIONS_ENDED: Final = Metric(
    "SessionsEnded",
    MetricKind.COUNTER,
    "Conversations that ended, by end reason.",
    labels=("Reason",),
)
SESSIONS_FAILED: Final = Metric(
    "SessionsFailed",
    MetricKind.COUNTER,
    "Conversations that ended for a reason that is not normal: the caller did not get what they came for.",
    labels=("Agent",),
)
DEFECTS: Final = Metric(
    "Defects",
    MetricKind.COUNTER,
    "Failures because of a defect of ours: requests answered with 500, and conversations that ended as "
    "`internal_error`. A deployment that causes them is rolled back.",
)
SESSIONS_BROKEN: Final = Metric(
    "SessionsBroken",
    MetricKind.COUNTER,
    "Conversations that this version broke: they ended as `internal_error` or `model_rejected`. Excludes those ended "
    "by an outage of the model, a lost connection or an unauthenticated client. A deployment causing them is rolled "
    "back.",
)
CALLS_NOT_CONNECTED: Final = Metric(
    "CallsNotConnected",
    MetricKind.COUNTER,
    "Calls that rang here and whose media did not arrive: usually another task carries them, or the caller gave up.",
)
SESSIONS_REFUSED: Final = Metric(
    "SessionsRefused",
    MetricKind.COUNTER,
    "Conversations that this task rejected: full (`AtCapacity`), late (`Overloaded`), no stream to the model left in "
    "the account or the model throttling them (`ModelBusy`), draining, or the daily budget spent. The load "
    "balancer may have found another task for them, but not for `ModelBusy`.",
    labels=("Cause",),
)
SESSIONS_RATED: Final = Metric(
    "SessionsRated",
    MetricKind.COUNTER,
    "Conversations that their visitors rated on the page, by rating (up, down).",
    labels=("Rating",),
)
SESSION_DURATION: Final = Metric(
    "SessionDuration",
    MetricKind.DISTRIBUTION,
    "Length of conversations. Its sample count by agent is the number of conversations of that agent.",
    Unit.SECONDS,
    labels=("Agent",),
)
TIME_TO_FIRST_AUDIO: Final = Metric(
    "TimeToFirstAudio",
    MetricKind.DISTRIBUTION,
    "From the start of the media connection to the agent's first audio.",
    Unit.MILLISECONDS,
)
TURN_LATENCY: Final = Metric(
    "TurnLatency",
    MetricKind.DISTRIBUTION,
    "From the end of the caller's turn, as the model reports it, to the first audio of the reply.",
    Unit.MILLISECONDS,
    labels=("Agent",),
)
BARGE_INS: Final = Metric("BargeIns", MetricKind.COUNTER, "Replies that the caller talked over.")
TOOL_CALLS: Final = Metric(
    "ToolCalls",
    MetricKind.COUNTER,
    "Tool calls by tool and outcome (ok, error, timeout, unknown, cancelled).",
    labels=("Tool", "Outcome"),
)
TOOL_TIME: Final = Metric(
    "ToolTime", MetricKind.DISTRIBUTION, "How long tools took.", Unit.MILLISECONDS, labels=("Tool",)
)
ERRORS: Final = Metric(
    "Errors",
    MetricKind.COUNTER,
    "Errors by class: the model's by their name on the wire, ours by their class name.",
    labels=("Error",),
)
MODEL_STREAMS: Final = Metric(
    "ModelStreams",
    MetricKind.COUNTER,
    "Streams opened to the model; more than conversations means renewals and failures.",
)
TOKENS: Final = Metric(
    "Tokens",
    MetricKind.COUNTER,
    "Tokens as counted by the model, by kind (speech_input, text_input, speech_output, text_output).",
    labels=("TokenKind",),
)
ESTIMATED_COST: Final = Metric(
    "EstimatedCost",
    MetricKind.COUNTER,
    "Estimated US dollars for the model, from its tokens and the prices in the settings.",
    Unit.NONE,
)
DROPPED_AUDIO: Final = Metric(
    "DroppedAudio", MetricKind.COUNTER, "Caller audio that never reached the model.", Unit.MILLISECONDS
)
EVENT_LOOP_LAG: Final = Metric(
    "EventLoopLag",
    MetricKind.DISTRIBUTION,
    "How late this task's event loop wakes up, the worst of each second: above 100 ms callers hear gaps.",
    Unit.MILLISECONDS,
)
OPEN_REQUEST_FAILURES: Final = Metric(
    "OpenRequestFailures",
    MetricKind.COUNTER,
    "Times that a web task with visitors could not keep a request open through the load balancer; a deployment or a "
    "scale-in may then cut off its visits.",
)
STREAM_TABLE_FAILURES: Final = Metric(
    "StreamTableFailures",
    MetricKind.COUNTER,
    "Times that the count of the account's streams to the model could not be read or written; a task then continues "
    "with its lease, and later with a small part of the quota.",
)

METRICS: Final = (
    ACTIVE_SESSIONS,
    FREE_SLOTS,
    SESSIONS_ENDED,
    SESSIONS_FAILED,
    DEFECTS,
    SESSIONS_BROKEN,
    CALLS_NOT_CONNECTED,
    SESSIONS_REFUSED,
    SESSIONS_RATED,
    SESSION_DURATION,
    TIME_TO_FIRST_AUDIO,
    TURN_LATENCY,
    BARGE_INS,
    TOOL_CALLS,
    TOOL_TIME,
    ERRORS,
    MODEL_STREAMS,
    TOKENS,
    ESTIMATED_COST,
    DROPPED_AUDIO,
    EVENT_LOOP_LAG,
    OPEN_REQUEST_FAILURES,
    STREAM_TABLE_FAILURES,
)
"""All metrics, in the order of the reference page."""
