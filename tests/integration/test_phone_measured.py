"""What the phone service reports to an operator: metrics among the log lines, and a spending limit."""

from typing import Any

import pytest

from agent_core.observability.metrics import NAMESPACE
from tests.integration.conftest import House
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.score import short_notes
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _values(phone: PhoneProcess, metric: str, **labels: str) -> list[Any]:
    """Return the values that a metric had under exactly these labels, in order."""
    lines = phone.lines("metrics", Service="phone-agent", **labels)
    return [
        line[metric]
        for line in lines
        if metric in line
        and set(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) == {"Service", *labels}
        and line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == NAMESPACE
    ]


async def test_a_call_shows_in_the_metrics(house: House) -> None:
    """The metrics report active calls, the wait for the first reply, the cost and the end reason of a call."""
    house.score.plan = short_notes
    async with house.start_phone("measured", METRICS_INTERVAL_SECONDS="0.2") as phone:
        await until(lambda: _values(phone, "ActiveSessions") != [])
        assert _values(phone, "ActiveSessions")[0] == 0
        async with Caller(house.exchange, phone.url) as caller:
            await caller.greeted()
            await until(lambda: _values(phone, "ActiveSessions")[-1] == 1)
            await caller.ask()
        record = await phone.record(caller.sid)
        await until(lambda: sum(_values(phone, "SessionsEnded", Reason="caller_hung_up")) == 1)
        await until(lambda: _values(phone, "ActiveSessions")[-1] == 0)
        assert _values(phone, "TimeToFirstAudio") == [[record["first_audio_ms"]]]
        waited = [one for values in _values(phone, "TurnLatency") for one in values]
        assert waited == [record["slowest_answer_ms"]]
        assert sum(_values(phone, "EstimatedCost")) == pytest.approx(record["cost_usd"], abs=1e-6)
        assert sum(_values(phone, "SessionsFailed")) == 0
        assert [record["agent"]] == ["weather"]
        assert _values(phone, "SessionDuration", Agent="weather") == [[record["duration_ms"] / 1000]]
        assert _values(phone, "TurnLatency", Agent="weather") == [[record["slowest_answer_ms"]]]


@pytest.mark.thorough
async def test_a_spent_day_ends_the_calls_of_tomorrow_only(house: House) -> None:
    """An exhausted daily budget lets active calls continue; new ones get another task, then a reason."""
    house.score.plan = short_notes
    prices = {
        "TEXT_INPUT_USD_PER_1K_TOKENS": "1000",
        "SPEECH_INPUT_USD_PER_1K_TOKENS": "1000",
        "SPEECH_OUTPUT_USD_PER_1K_TOKENS": "1000",
    }
    async with house.start_phone("spent", DAILY_BUDGET_USD="0.001", **prices) as phone:
        async with Caller(house.exchange, phone.url) as first:
            await first.greeted()
            await first.ask()
            async with Caller(house.exchange, phone.url) as second:
                assert "limit for today" in str((await second.until("say", 12)).fields["text"])
            await first.ask()
        turned_away = phone.lines("call_rejected", call_sid=second.sid)
        assert [(line["cause"], line["tries"]) for line in turned_away] == [("OverBudget", tries) for tries in range(3)]
