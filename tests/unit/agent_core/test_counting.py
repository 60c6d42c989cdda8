"""Metrics of conversations are emitted while they run and when they end."""

from dataclasses import replace
from typing import Any

import pytest

from agent_core.admission import Admission
from agent_core.daily_budget import DailyBudget, Prices
from agent_core.errors import AtCapacity, Forbidden, ModelUnavailable, OverBudget
from agent_core.events import COUNTED, CallDetailRecord, EndReason, SessionStats
from agent_core.observability.meter import Meter
from agent_core.observability.metrics_recorder import MetricsRecorder
from agent_core.settings import CoreSettings

PRICES = Prices(speech_input=1.0, text_input=10.0, speech_output=100.0, text_output=1000.0)


class Books:
    """A counting with everything around it, and a date that the test can change."""

    def __init__(self, limit: float | None = None) -> None:
        self.now = 1_700_000_000.0
        self.meter = Meter("phone-agent")
        self.spend = DailyBudget(limit, clock=lambda: self.now)
        self.counting = MetricsRecorder(self.meter, PRICES, self.spend, {"weather", "clinic"}.__contains__)
        self.admission = Admission(2, self.spend, self.counting.refused)
        self.counting.watch(self.admission)

    def published(self) -> dict[str, Any]:
        """Return and clear the numbers by service alone."""
        numbers: dict[str, Any] = {}
        for document in self.meter.documents():
            (directive,) = document["_aws"]["CloudWatchMetrics"]
            if directive["Dimensions"] == [["Service"]]:
                numbers |= {metric["Name"]: document[metric["Name"]] for metric in directive["Metrics"]}
        return numbers

    def broken_down(self, name: str, label: str) -> dict[str, float]:
        """Return a metric's numbers by a label."""
        return {doc[label]: doc[name] for doc in self.meter.documents() if name in doc and label in doc}


def _record(stats: SessionStats, reason: EndReason) -> CallDetailRecord:
    return CallDetailRecord("session", "phone", reason, started_at=0.0, duration_ms=90_000, stats=stats)


def test_a_conversation_counts_while_it_goes_on() -> None:
    """Growth of a tally is emitted at the next interval, and the rest at the end: in total, everything once."""
    books, stats = Books(), SessionStats()
    books.counting.began(stats)
    stats.interruptions, stats.model_streams, stats.speech_output_tokens = 2, 1, 500
    first = books.published()
    assert (first["BargeIns"], first["ModelStreams"], first["Tokens"], first["EstimatedCost"]) == (2, 1, 500, 50.0)
    stats.interruptions = 3
    books.counting.ended(_record(stats, EndReason.CALLER_HUNG_UP))
    second = books.published()
    assert (second["BargeIns"], second["ModelStreams"]) == (1, 0)
    assert (second["SessionsEnded"], second["SessionsFailed"]) == (1, 0)
    assert second["SessionDuration"] == [90.0]
    assert books.published()["BargeIns"] == 0


def test_only_a_defect_of_ours_is_a_defect() -> None:
    """Only defects of the service count, since they roll a deployment back; crowds, clients and dependencies do not."""
    books = Books()
    for reason in EndReason:
        books.counting.ended(_record(SessionStats(), reason))
    for error in (Forbidden("signature_missing"), ModelUnavailable("ThrottlingException"), AtCapacity("full")):
        books.counting.failed(error)
    assert books.published()["Defects"] == 1
    books.counting.broke()
    assert books.published()["Defects"] == 1


def test_reasons_tokens_and_errors_are_broken_down() -> None:
    """Labels are words of the product, or the model's for its errors."""
    books, stats = Books(), SessionStats(speech_input_tokens=10, text_input_tokens=20)
    books.counting.ended(_record(stats, EndReason.MODEL_UNAVAILABLE))
    assert books.broken_down("Tokens", "TokenKind") == {"speech_input": 10, "text_input": 20}
    books.counting.ended(_record(SessionStats(), EndReason.MODEL_UNAVAILABLE))
    assert books.broken_down("SessionsEnded", "Reason") == {"model_unavailable": 1}
    broken = SessionStats()
    books.counting.began(broken)
    broken.count_model_error("ThrottlingException")
    assert books.broken_down("Errors", "Error") == {"ThrottlingException": 1}
    books.counting.failed(ModelUnavailable("ThrottlingException", "slow down"))
    books.counting.failed(Forbidden("signature_missing"))
    books.counting.failed(AtCapacity("counted as a refusal instead"))
    assert books.broken_down("Errors", "Error") == {"ThrottlingException": 1, "Forbidden": 1}


def test_conversations_are_broken_down_by_agent() -> None:
    """Values are agents of this task: the record of a killed task may name another, and each value costs money."""
    books = Books()
    for agent in ("clinic", "clinic", "weather", "of-another-version", ""):
        record = _record(SessionStats(), EndReason.MODEL_UNAVAILABLE)
        books.counting.ended(replace(record, agent=agent))
    books.counting.answered(700, "weather")
    failed = {doc["Agent"]: doc for doc in books.meter.documents() if "Agent" in doc}
    assert {agent: doc["SessionsFailed"] for agent, doc in failed.items()} == {"clinic": 2, "weather": 1, "other": 2}
    assert {agent: len(doc["SessionDuration"]) for agent, doc in failed.items()} == {
        "clinic": 2,
        "weather": 1,
        "other": 2,
    }
    assert failed["weather"]["TurnLatency"] == [700]


def test_a_call_whose_media_went_elsewhere_is_no_conversation() -> None:
    """A call whose media reached another task is counted there: a load balancer chooses a task per connection."""
    books = Books()
    books.counting.ended(_record(SessionStats(model_streams=1), EndReason.NEVER_CONNECTED))
    published = books.published()
    assert (published["CallsNotConnected"], published["SessionsEnded"], published["ModelStreams"]) == (1, 0, 1)
    assert "SessionDuration" not in published


def test_who_was_turned_away_is_counted_by_cause() -> None:
    """Rejections for full slots and for the day's limit are counted apart."""
    books = Books(limit=5.0)
    places = [books.admission.admit(), books.admission.admit()]
    with pytest.raises(AtCapacity):
        books.admission.admit()
    assert books.published()["ActiveSessions"] == 2
    places[0].release()
    books.spend.add(6.0)
    with pytest.raises(OverBudget):
        books.admission.check()
    assert books.broken_down("SessionsRefused", "Cause") == {"OverBudget": 1}


def test_the_days_spend_is_a_limit_for_new_conversations() -> None:
    """Running conversations count toward the limit too, and midnight resets it."""
    books, stats = Books(limit=1.0), SessionStats()
    books.admission.admit()
    books.counting.began(stats)
    stats.speech_input_tokens = 999
    books.admission.check()
    stats.speech_input_tokens = 1000
    with pytest.raises(OverBudget):
        books.admission.admit()
    books.now += 86_400
    books.admission.admit()
    assert books.admission.taken == 2


def test_nothing_is_refused_for_its_cost_without_a_limit() -> None:
    """By default there is no limit, and no conversation is rejected for its cost."""
    books = Books()
    books.spend.add(1e9)
    books.admission.check()


def test_the_default_prices_are_those_of_the_settings() -> None:
    """Each kind of token has its own price per thousand."""
    prices = Prices.of(CoreSettings(speech_output_usd_per_1k_tokens=0.5))
    assert prices.cost_of(SessionStats(speech_output_tokens=2000)) == 1.0
    assert (
        prices.cost_of(SessionStats(text_input_tokens=1000))
        == CoreSettings.model_fields["text_input_usd_per_1k_tokens"].default
    )


def test_every_counted_field_is_one_of_the_tallys() -> None:
    """Each counted field exists in the tally: a wrong name would fail only during a call."""
    stats = SessionStats()
    assert [name for name in COUNTED if getattr(stats, name) != 0] == []
