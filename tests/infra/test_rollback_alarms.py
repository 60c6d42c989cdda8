"""What rolls a version back, and what must not: metric lines of the product, evaluated by the deployed alarms."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from agent_core import web
from agent_core.agent_runtime import AgentRuntime
from agent_core.errors import AgentError, AtCapacity, Forbidden, ModelUnavailable, ProtocolError, UpstreamError
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.observability.meter import Meter
from agent_core.settings import CoreSettings
from tests.support.agents import one_agent
from tests.support.cloudwatch import Period
from tests.support.scripted_model import ScriptedModel
from tests.support.stacks import Deployed
from tests.support.templates import template


@dataclass
class Minutes:
    """Five minutes of one service, counted by the task's own metrics."""

    meter: Meter = field(default_factory=lambda: Meter("phone-agent"))

    def __post_init__(self) -> None:
        """Create an application that receives the requests."""
        settings = CoreSettings.model_validate({"public_base_url": "http://agent.example"})
        self.agent = AgentRuntime(settings, ScriptedModel(), one_agent([]), lambda _: None, meter=self.meter)
        self.counting = self.agent.counting

    def conversations(
        self,
        count: int,
        reason: EndReason = EndReason.CALLER_HUNG_UP,
        *,
        first_word: int | None = 900,
        answers: float | None = 1200.0,
        errors: str = "",
    ) -> None:
        """End conversations with an outcome, a first-word time, reply times in ms, and the model's error."""
        for _ in range(count):
            stats = SessionStats(first_audio_ms=first_word, model_errors={errors: 2} if errors else {})
            self.counting.began(stats)
            if answers is not None:
                self.counting.answered(answers)
            self.counting.ended(CallDetailRecord("s", "phone", reason, started_at=0.0, duration_ms=90_000, stats=stats))

    def requests(self, count: int, error: Exception) -> None:
        """End requests with an error, through the product's own handlers."""
        asyncio.run(self._requests(count, error))

    async def _requests(self, count: int, error: Exception) -> None:
        app = FastAPI()
        web.install(app, self.agent)

        @app.get("/")
        async def fail() -> None:
            raise error

        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://agent.example") as client:
            for _ in range(count):
                answer = await client.get("/")
                assert answer.status_code == (error.http_status if isinstance(error, AgentError) else 500)

    def crowd(self, count: int) -> None:
        """Send callers while every slot is taken."""
        admission = self.agent.admission
        while not admission.is_full:
            admission.admit()
        for _ in range(count):
            with pytest.raises(AtCapacity):
                admission.admit()

    def published(self) -> Period:
        """Return the metric lines as CloudWatch receives them."""
        return Period(self.meter.documents())


def outage(five: Minutes) -> None:
    """Simulate an outage of Bedrock: no call gets a model, and open streams break, in every version."""
    five.conversations(
        25, EndReason.MODEL_UNAVAILABLE, first_word=None, answers=None, errors="ServiceUnavailableException"
    )
    five.conversations(5, first_word=17_000, answers=9_000.0, errors="InternalServerException")


def quota(five: Minutes) -> None:
    """Use up the account's streams: starts are throttled and retried, and open conversations are unaffected."""
    five.conversations(12, EndReason.MODEL_UNAVAILABLE, first_word=None, errors="ThrottlingException")
    five.conversations(18, first_word=7_000, errors="ThrottlingException")


def daily_outage(five: Minutes) -> None:
    """Simulate a Daily that creates no rooms."""
    five.conversations(3)
    five.requests(40, UpstreamError("daily", "no answer", retry_after=5))


def weather_outage(five: Minutes) -> None:
    """Let every weather question end in an apology."""
    five.conversations(30)
    for _ in range(60):
        five.counting.tool_called("get_current_weather", "timeout", 4_000.0)


def flood(five: Minutes) -> None:
    """Simulate a flood of calls: most hang up early, and unsigned ones are rejected."""
    five.conversations(400, EndReason.NEVER_CONNECTED, first_word=None, answers=None)
    five.crowd(300)
    five.requests(100, Forbidden("signature_missing"))
    five.conversations(10)


def slow_everywhere(five: Minutes) -> None:
    """Simulate a slow Bedrock: late first words and replies."""
    five.conversations(30, first_word=6_500, answers=5_200.0)


def drained(five: Minutes) -> None:
    """Simulate the deployment itself: old tasks drain, and some conversations end with them."""
    five.conversations(20, EndReason.DRAINED)
    five.conversations(5)


def lost_lines(five: Minutes) -> None:
    """Break a mobile network, and let a client violate its protocol."""
    five.conversations(20, EndReason.MEDIA_DISCONNECTED)
    five.conversations(20, EndReason.PROTOCOL_ERROR)
    five.requests(30, ProtocolError("not a form"))


def one_crash(five: Minutes) -> None:
    """Let three in a hundred calls meet a defect that the previous version has too."""
    five.conversations(97)
    five.conversations(3, EndReason.INTERNAL_ERROR)


def late_for_one(five: Minutes) -> None:
    """Let one caller of five wait long."""
    five.conversations(4)
    five.conversations(1, first_word=12_000)


def refused_by_the_model(five: Minutes) -> None:
    """Simulate a version with a wrong model in a busy hour, while old tasks keep their calls."""
    five.conversations(14)
    five.conversations(10, EndReason.MODEL_REJECTED, first_word=None, answers=None, errors="ValidationException")


def crashes_at_night(five: Minutes) -> None:
    """Let all three calls of a night crash."""
    five.conversations(3, EndReason.INTERNAL_ERROR, first_word=None, answers=None)


def broken_page(five: Minutes) -> None:
    """Let requests fail while conversations continue."""
    five.conversations(30)
    five.requests(11, ZeroDivisionError("in a route"))


def slow_to_greet(five: Minutes) -> None:
    """Simulate a version that is slow to greet and as quick as before to reply."""
    five.conversations(20, first_word=5_500)


HEALTHY = [
    lambda five: five.conversations(30),
    lambda five: five.conversations(0),
    lambda five: five.crowd(500),
    lambda five: five.requests(200, ModelUnavailable("ThrottlingException", "slow down")),
    *(
        outage,
        quota,
        daily_outage,
        weather_outage,
        flood,
        slow_everywhere,
        drained,
        lost_lines,
        one_crash,
        late_for_one,
    ),
]
BAD = {
    refused_by_the_model: {"broken-conversations"},
    crashes_at_night: {"broken-conversations"},
    broken_page: {"defects"},
    slow_to_greet: {"slow-setup"},
}
TABLE = [
    *((happens, set[str]()) for happens in HEALTHY),
    *BAD.items(),
]
NAMES = ["a good day", "a quiet night", "a crowd", "throttled requests", *(one.__name__ for one, _ in TABLE[4:])]


@pytest.mark.parametrize(("happens", "off"), TABLE, ids=NAMES)
def test_a_version_is_rolled_back_for_its_own_faults_only(
    made: Deployed, happens: Callable[[Minutes], None], off: set[str]
) -> None:
    """A version is rolled back for its own faults, and not for a crowd, an attack or an outage of others."""
    five = Minutes()
    happens(five)
    period = five.published()
    alarms = made.every("AWS::CloudWatch::Alarm", "phone-rollback").values()
    assert {name_of(alarm) for alarm in alarms if period.goes_off(alarm)} == off


def test_no_outage_rolls_a_version_back(made: Deployed) -> None:
    """No outage of the table rolls a version back; one test for all, which the tests of mistakes run."""
    for happens in (outage, quota, slow_everywhere):
        five = Minutes()
        happens(five)
        period = five.published()
        alarms = made.every("AWS::CloudWatch::Alarm", "phone-rollback").values()
        assert [name_of(alarm) for alarm in alarms if period.goes_off(alarm)] == []


def name_of(alarm: dict[str, Any]) -> str:
    """Return an alarm's name without service and environment."""
    return str(alarm["AlarmName"]).removeprefix("pipecat-phone-").removesuffix("-test")


def test_both_services_have_the_same_alarms_about_themselves(made: Deployed) -> None:
    """The alarms of both services differ only in the dimension."""
    phone, web_service = (str(made.every("AWS::CloudWatch::Alarm", f"{one}-rollback")) for one in ("phone", "web"))
    named = phone.replace("phone-agent", "webrtc-agent").replace("pipecat-phone-", "pipecat-web-")
    assert named.replace("phone-rollback", "web-rollback") == web_service


@pytest.mark.parametrize("service", ["phone", "web"])
def test_alarms_are_watched_until_they_could_have_gone_off(made: Deployed, service: str) -> None:
    """A deployment watches the alarms for one period after the last task, plus one for late metrics."""
    deployment = made.of(service, "Service")["DeploymentConfiguration"]
    longest = max(
        one.get("Period") or max(each["MetricStat"]["Period"] for each in one["Metrics"] if "MetricStat" in each)
        for one in made.every("AWS::CloudWatch::Alarm", f"{service}-rollback").values()
    )
    assert 60 * deployment["BakeTimeInMinutes"] >= 2 * longest
    assert template("service")["Parameters"]["Role"]["Default"] == "service"
