"""What rolls a version back, and what must not: lines of the product's own meter, judged by the alarms as deployed."""

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
from tests.support.cloudwatch import Period
from tests.support.scripted_model import ScriptedModel
from tests.support.stacks import Deployed
from tests.support.templates import template


@dataclass
class Minutes:
    """Five minutes of one service: what happens in them is told to the same counting that a task has."""

    meter: Meter = field(default_factory=lambda: Meter("phone-agent"))

    def __post_init__(self) -> None:
        """Make an application, for what arrives as a request."""
        settings = CoreSettings.model_validate({"public_base_url": "http://agent.example"})
        self.agent = AgentRuntime(settings, ScriptedModel(), [], lambda _: None, meter=self.meter)
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
        """Let conversations end: how, after which first word and with which answers in ms, and the model's error."""
        for _ in range(count):
            stats = SessionStats(first_audio_ms=first_word, model_errors={errors: 2} if errors else {})
            self.counting.began(stats)
            if answers is not None:
                self.counting.answered(answers)
            self.counting.ended(CallDetailRecord("s", "phone", reason, started_at=0.0, duration_ms=90_000, stats=stats))

    def requests(self, count: int, error: Exception) -> None:
        """Let requests end in an error, through the product's own handlers."""
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
        """Let callers come while every place is taken."""
        admission = self.agent.admission
        while not admission.is_full:
            admission.admit()
        for _ in range(count):
            with pytest.raises(AtCapacity):
                admission.admit()

    def told(self) -> Period:
        """Take the lines as CloudWatch gets them."""
        return Period(self.meter.documents())


def outage(five: Minutes) -> None:
    """Bedrock fails in every region's way: nobody gets through, old streams break, whatever the version."""
    five.conversations(
        25, EndReason.MODEL_UNAVAILABLE, first_word=None, answers=None, errors="ServiceUnavailableException"
    )
    five.conversations(5, first_word=17_000, answers=9_000.0, errors="InternalServerException")


def quota(five: Minutes) -> None:
    """The account's streams are taken: starts are throttled and tried again, what runs is as quick as ever."""
    five.conversations(12, EndReason.MODEL_UNAVAILABLE, first_word=None, errors="ThrottlingException")
    five.conversations(18, first_word=7_000, errors="ThrottlingException")


def daily_outage(five: Minutes) -> None:
    """Daily makes no rooms."""
    five.conversations(3)
    five.requests(40, UpstreamError("daily", "no answer", retry_after=5))


def weather_outage(five: Minutes) -> None:
    """Every question about the weather ends in an apology."""
    five.conversations(30)
    for _ in range(60):
        five.counting.tool_called("get_current_weather", "timeout", 4_000.0)


def flood(five: Minutes) -> None:
    """Twilio, or somebody who pretends to be, calls without end: most give up, strangers are refused."""
    five.conversations(400, EndReason.NEVER_CONNECTED, first_word=None, answers=None)
    five.crowd(300)
    five.requests(100, Forbidden("signature_missing"))
    five.conversations(10)


def slow_everywhere(five: Minutes) -> None:
    """Bedrock is slow for everybody: first words and answers."""
    five.conversations(30, first_word=6_500, answers=5_200.0)


def drained(five: Minutes) -> None:
    """The deployment itself: old tasks leave, and some of their conversations with them."""
    five.conversations(20, EndReason.DRAINED)
    five.conversations(5)


def lost_lines(five: Minutes) -> None:
    """A mobile network breaks down, and a client breaks its protocol."""
    five.conversations(20, EndReason.MEDIA_DISCONNECTED)
    five.conversations(20, EndReason.PROTOCOL_ERROR)
    five.requests(30, ProtocolError("not a form"))


def one_crash(five: Minutes) -> None:
    """Three in a hundred meet a defect that the version before had too."""
    five.conversations(97)
    five.conversations(3, EndReason.INTERNAL_ERROR)


def late_for_one(five: Minutes) -> None:
    """One caller of five waits long."""
    five.conversations(4)
    five.conversations(1, first_word=12_000)


def refused_by_the_model(five: Minutes) -> None:
    """The version asks for a model that is not there, in a busy hour: callers of old tasks go on."""
    five.conversations(14)
    five.conversations(10, EndReason.MODEL_REJECTED, first_word=None, answers=None, errors="ValidationException")


def crashes_at_night(five: Minutes) -> None:
    """Three calls, three crashes."""
    five.conversations(3, EndReason.INTERNAL_ERROR, first_word=None, answers=None)


def broken_page(five: Minutes) -> None:
    """Requests break while conversations go on."""
    five.conversations(30)
    five.requests(11, ZeroDivisionError("in a route"))


def slow_to_greet(five: Minutes) -> None:
    """The version asks something slow before it greets; its answers are as quick as ever."""
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
    """Nothing that a crowd, a stranger or somebody else's outage does rolls a good version back."""
    five = Minutes()
    happens(five)
    period = five.told()
    alarms = made.every("AWS::CloudWatch::Alarm", "phone-rollback").values()
    assert {name_of(alarm) for alarm in alarms if period.goes_off(alarm)} == off


def test_no_outage_rolls_a_version_back(made: Deployed) -> None:
    """Those of the table in one, for a template that somebody changes."""
    for happens in (outage, quota, slow_everywhere):
        five = Minutes()
        happens(five)
        period = five.told()
        alarms = made.every("AWS::CloudWatch::Alarm", "phone-rollback").values()
        assert [name_of(alarm) for alarm in alarms if period.goes_off(alarm)] == []


def name_of(alarm: dict[str, Any]) -> str:
    """Cut an alarm's name down to what it is about."""
    return str(alarm["AlarmName"]).removeprefix("pipecat-phone-").removesuffix("-test")


def test_both_services_have_the_same_alarms_about_themselves(made: Deployed) -> None:
    """Only the dimension differs, so the table holds for the page too."""
    phone, web_service = (str(made.every("AWS::CloudWatch::Alarm", f"{one}-rollback")) for one in ("phone", "web"))
    named = phone.replace("phone-agent", "webrtc-agent").replace("pipecat-phone-", "pipecat-web-")
    assert named.replace("phone-rollback", "web-rollback") == web_service


@pytest.mark.parametrize("service", ["phone", "web"])
def test_alarms_are_watched_until_they_could_have_gone_off(made: Deployed, service: str) -> None:
    """For a period of them after the last task has changed, and one more for metrics that come late."""
    deployment = made.of(service, "Service")["DeploymentConfiguration"]
    longest = max(
        one.get("Period") or max(each["MetricStat"]["Period"] for each in one["Metrics"] if "MetricStat" in each)
        for one in made.every("AWS::CloudWatch::Alarm", f"{service}-rollback").values()
    )
    assert 60 * deployment["BakeTimeInMinutes"] >= 2 * longest
    assert template("service")["Parameters"]["Role"]["Default"] == "service"
