"""Map events of conversations to metrics, in one place."""

from collections.abc import Callable

from agent_core.admission import Admission
from agent_core.daily_budget import DailyBudget, Prices
from agent_core.errors import AgentError, AtCapacity, Draining, ModelError, OverBudget, PermissionRefused
from agent_core.events import CallDetailRecord, EndReason, Rating, SessionStats
from agent_core.observability import metrics
from agent_core.observability.live_stats import ERROR, Added, LiveStats
from agent_core.observability.meter import Meter

_TURNED_AWAY = (AtCapacity, Draining, OverBudget)
_OTHER = "other"
_TOKENS = ("speech_input", "text_input", "speech_output", "text_output")


class MetricsRecorder:
    """Counts for one process.

    Args:
        meter: Adds up.
        prices: Of the model.
        spend: Receives the cost of conversations.
        knows_agent: Returns whether an agent of this task has this folder name.
    """

    def __init__(
        self, meter: Meter, prices: Prices, spend: DailyBudget, knows_agent: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._meter = meter
        self._prices = prices
        self._spend = spend
        self._knows_agent = knows_agent
        self._tallies = LiveStats(self._added)
        meter.before_report = spend.before_look = self._tallies.look

    def watch(self, admission: Admission) -> None:
        """Report how many slots are taken, and how many are free."""
        self._meter.gauge(metrics.ACTIVE_SESSIONS, lambda: admission.taken)
        self._meter.gauge(metrics.FREE_SLOTS, lambda: admission.free)

    def refused(self, refusal: PermissionRefused) -> None:
        """Count a rejected conversation."""
        self._meter.count(metrics.SESSIONS_REFUSED, Cause=type(refusal).__name__)

    def failed(self, error: AgentError) -> None:
        """Count an error; a lack of slots has its own metric."""
        if not isinstance(error, _TURNED_AWAY):
            name = error.kind if isinstance(error, ModelError) else type(error).__name__
            self._meter.count(metrics.ERRORS, Error=name)

    def broke(self) -> None:
        """Count a request that a defect of ours broke."""
        self._meter.count(metrics.DEFECTS)

    def began(self, stats: SessionStats) -> None:
        """Follow a conversation that has started: its tally is reported from now on."""
        self._tallies.follow(stats)

    def paused(self, part: SessionStats) -> None:
        """Count a part of a conversation that writes no record of its own."""
        self._tallies.leave(part)

    def ended(self, record: CallDetailRecord, part: SessionStats | None = None) -> None:
        """Count a finished conversation; ``part`` is what its earlier parts have not counted."""
        self._tallies.leave(record.stats if part is None else part)
        # It rang but was no conversation, so it must not change the rates of conversations.
        if record.reason is EndReason.NEVER_CONNECTED:
            self._meter.count(metrics.CALLS_NOT_CONNECTED)
            return
        agent = self._agent(record.agent)
        self._meter.count(metrics.SESSIONS_ENDED, Reason=record.reason.value)
        self._meter.observe(metrics.SESSION_DURATION, record.duration_ms / 1000, Agent=agent)
        if not record.reason.is_normal:
            self._meter.count(metrics.SESSIONS_FAILED, Agent=agent)
        if record.reason.is_ours:
            self._meter.count(metrics.SESSIONS_BROKEN)
        if record.reason is EndReason.INTERNAL_ERROR:
            self._meter.count(metrics.DEFECTS)
        if record.stats.first_audio_ms is not None:
            self._meter.observe(metrics.TIME_TO_FIRST_AUDIO, record.stats.first_audio_ms)

    def rated(self, rating: Rating) -> None:
        """Count a visitor's rating."""
        self._meter.count(metrics.SESSIONS_RATED, Rating=rating.value)

    def answered(self, waited_ms: float, agent: str = "") -> None:
        """Record how long the caller has waited for a reply of an agent."""
        self._meter.observe(metrics.TURN_LATENCY, waited_ms, Agent=self._agent(agent))

    def tool_called(self, tool: str, outcome: str, elapsed_ms: float) -> None:
        """Count a tool call; ``tool`` is one of ours, or ``unknown``."""
        self._meter.count(metrics.TOOL_CALLS, Tool=tool, Outcome=outcome)
        self._meter.observe(metrics.TOOL_TIME, elapsed_ms, Tool=tool)

    def open_request_failed(self) -> None:
        """Count a round in which the load balancer did not route this task's own request to it."""
        self._meter.count(metrics.OPEN_REQUEST_FAILURES)

    def stream_table_failed(self) -> None:
        """Count a failure to read or write the account's stream count."""
        self._meter.count(metrics.STREAM_TABLE_FAILURES)

    def cost_of(self, stats: SessionStats) -> float:
        """Return the estimated cost of a conversation, in US dollars."""
        return round(self._prices.cost_of(stats), 6)

    def _agent(self, name: str) -> str:
        # The record of a killed task may name an agent that only that task had: each new value costs money.
        return name if self._knows_agent(name) else _OTHER

    def _added(self, added: Added) -> None:
        cost = self._prices.cost(added)
        self._spend.add(cost)
        self._meter.count(metrics.ESTIMATED_COST, cost)
        self._meter.count(metrics.BARGE_INS, added["interruptions"])
        self._meter.count(metrics.MODEL_STREAMS, added["model_streams"])
        self._meter.count(metrics.DROPPED_AUDIO, added["audio_dropped_ms"])
        # Zero counts are skipped, because each label combination is billed.
        for name, count in added.items():
            if name.startswith(ERROR) and count:
                self._meter.count(metrics.ERRORS, count, Error=name.removeprefix(ERROR))
        for kind in _TOKENS:
            if tokens := added[f"{kind}_tokens"]:
                self._meter.count(metrics.TOKENS, tokens, TokenKind=kind)
