"""ECS is told to spare a task while anyone talks, and whatever the agent does about it harms no call."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from agent_core import protection as protection_module
from agent_core.adapters import ecs_agent
from agent_core.adapters.ecs_agent import EcsAgent
from agent_core.admission import Admission
from agent_core.errors import UpstreamError
from agent_core.protection import TaskProtection
from standins.ecs.faults import Fault
from standins.ecs.server import EcsStandin
from tests.support.waiting import until

TASK = "task-1"


@dataclass
class Setting:
    """A pretend agent, and the task's side of it."""

    ecs: EcsStandin
    agent: EcsAgent
    admission: Admission = field(default_factory=lambda: Admission(5))
    failures: list[None] = field(default_factory=list)

    @property
    def asked(self) -> list[bool]:
        """What the task wished for, in order."""
        return [wish.enabled for wish in self.ecs.task(TASK).asked]

    def protection(self) -> TaskProtection:
        """Make what is tested."""
        return TaskProtection(self.agent, self.admission, lambda: self.failures.append(None))


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pauses of seconds be milliseconds; the time for a try stays what it is."""
    monkeypatch.setattr(ecs_agent, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(protection_module, "AGAIN_SECONDS", 0.05)


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    """Run the pretend agent."""
    async with EcsStandin() as ecs, _client(ecs.uri(TASK)) as client:
        yield Setting(ecs, EcsAgent(client))


@asynccontextmanager
async def _client(uri: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{uri}/", trust_env=False) as client:
        yield client


async def test_on_with_the_first_call_and_off_with_the_last(setting: Setting) -> None:
    """Calls between them change nothing; the wish ends by itself within half an hour."""
    async with setting.protection().running():
        first, second = setting.admission.admit(), setting.admission.admit()
        await until(lambda: setting.ecs.task(TASK).protected)
        first.release()
        third = setting.admission.admit()
        second.release()
        third.release()
        await until(lambda: not setting.ecs.task(TASK).protected)
        assert setting.asked == [True, False]
        assert setting.ecs.task(TASK).asked[0].minutes == 30
        last = setting.admission.admit()
        await until(lambda: setting.ecs.task(TASK).protected)
        last.release()
        await until(lambda: setting.asked == [True, False, True, False])
    assert setting.failures == []


async def test_it_is_renewed_while_anyone_talks(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long call must not lose it."""
    assert protection_module.RENEW_SECONDS < 30 * 60 / 2
    monkeypatch.setattr(protection_module, "RENEW_SECONDS", 0.02)
    async with setting.protection().running():
        place = setting.admission.admit()
        await until(lambda: len(setting.asked) >= 3)
        place.release()
        await until(lambda: setting.asked[-1] is False)
    task = setting.ecs.task(TASK)
    assert (task.switched_on, task.switched_off) == (1, 1)


async def test_a_service_that_stops_takes_it_off(setting: Setting) -> None:
    """Also in the middle of a call: nothing that is gone may stay protected."""
    async with setting.protection().running():
        setting.admission.admit()
        await until(lambda: setting.ecs.task(TASK).protected)
    assert setting.asked == [True, False]
    assert not setting.ecs.task(TASK).protected


class Slow:
    """An agent that takes its time."""

    def __init__(self) -> None:
        self.asked: list[bool] = []

    async def protect(self, *, on: bool) -> None:
        """Note what is asked, and answer later."""
        self.asked.append(on)
        await asyncio.sleep(0.05)


async def test_a_service_that_stops_while_it_is_taken_off_says_so_once() -> None:
    """The last call and the end of the service come at the same moment: that is how a task leaves."""
    slow, admission = Slow(), Admission(1)
    async with TaskProtection(slow, admission, lambda: None).running():
        place = admission.admit()
        await until(lambda: slow.asked == [True])
        place.release()
        await until(lambda: slow.asked == [True, False])
    assert slow.asked == [True, False]


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        (Fault("status", status=500, times=None), 3),
        (Fault("status", status=502, times=None), 3),
        (Fault("error", "ThrottlingException", times=None), 3),
        (Fault("error", "ServerException", times=None), 3),
        (Fault("error", "RequestCanceled", times=None), 3),
        (Fault("slow", seconds=60, times=None), 3),
        (Fault("status", status=404, times=None), 1),
        (Fault("error", "ClientException", times=None), 1),
        (Fault("error", "ClusterNotFoundException", times=None), 1),
        (Fault("error", "InvalidParameterException", times=None), 1),
        (Fault("error", "ResourceNotFoundException", times=None), 1),
        (Fault("error", "UnsupportedFeatureException", times=None), 1),
        (Fault("html", times=None), 1),
        (Fault("error", "AccessDeniedException", times=None), 1),
        (Fault("failure", "DEPLOYMENT_BLOCKED", times=None), 1),
        (Fault("failure", "TASK_NOT_VALID", times=None), 1),
        (Fault("failure", "MISSING", times=None), 1),
    ],
    ids=lambda value: f"{value.action}-{value.word}" if isinstance(value, Fault) else str(value),
)
async def test_fault_33_a_refusal_ends_after_at_most_three_tries(setting: Setting, fault: Fault, tries: int) -> None:
    """Another try only where it may help; what is told is a word, never a text of theirs."""
    setting.ecs.script.faults.append(fault)
    with pytest.raises(UpstreamError) as failed:
        await setting.agent.protect(on=True)
    assert len(setting.asked) == tries
    assert failed.value.service == "ecs_agent"
    assert "script" not in failed.value.reason


async def test_a_slow_ecs_is_waited_for_as_long_as_the_agent_does(setting: Setting) -> None:
    """The agent waits four seconds for ECS; one who gives up earlier asks three times for what was done at once."""
    setting.ecs.script.faults.append(Fault("slow", seconds=3.9))
    await setting.agent.protect(on=True)
    assert setting.asked == [True]
    assert setting.ecs.task(TASK).protected


async def test_fault_33_a_refusal_is_told_by_its_word(setting: Setting) -> None:
    """The operator reads which of ECS's reasons it was."""
    for fault, word in (
        (Fault("failure", "DEPLOYMENT_BLOCKED"), "DEPLOYMENT_BLOCKED"),
        (Fault("slow", seconds=60, times=3), "RequestCanceled"),
        (Fault("error", "AccessDeniedException"), "AccessDeniedException"),
        (Fault("error", "two words"), "status 400"),
        (Fault("html"), "status 200"),
    ):
        setting.ecs.script.faults.append(fault)
        with pytest.raises(UpstreamError) as failed:
            await setting.agent.protect(on=True)
        assert failed.value.reason == f"ecs_agent: {word}"


ODD = [b"", b"[]", b"null", b'{"protection": null}', b'{"protection": []}', b'{"protection": {"ProtectionEnabled": 1}}']


@pytest.mark.parametrize("body", [*ODD, b'{"failure": null, "error": "x"}', b'{"failure": {"Reason": null}}', b"\xff"])
async def test_an_answer_of_no_known_shape_is_a_failure(body: bytes) -> None:
    """Nothing that the agent writes raises anything else."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    async with httpx.AsyncClient(base_url="http://agent/", transport=transport) as client:
        with pytest.raises(UpstreamError, match="status 200"):
            await EcsAgent(client).protect(on=True)


async def test_a_service_that_stops_does_not_wait_for_an_agent_that_hangs(setting: Setting) -> None:
    """ECS kills it soon after; its protection ends with it."""
    async with setting.protection().running():
        place = setting.admission.admit()
        await until(lambda: setting.ecs.task(TASK).protected)
        setting.ecs.script.faults.append(Fault("hang", times=None))
        place.release()
        await until(lambda: len(setting.asked) == 2)
        began = time.monotonic()
    assert time.monotonic() - began <= protection_module.LEAVE_SECONDS + 0.5


async def test_fault_33_a_hang_ends_in_its_time(setting: Setting) -> None:
    """Three tries of five seconds are the most that anybody waits."""
    assert (ecs_agent.TRY_SECONDS, ecs_agent.TRIES) == (5.0, 3)
    setting.ecs.script.faults.append(Fault("hang", times=None))
    with pytest.raises(UpstreamError, match="timeout"):
        await setting.agent.protect(on=True)
    assert len(setting.asked) == 3


async def test_fault_33_nobody_there_is_told_like_any_failure() -> None:
    """The agent's port may be closed."""
    async with _client("http://127.0.0.1:1") as client:
        with pytest.raises(UpstreamError, match="ConnectError"):
            await EcsAgent(client).protect(on=True)


async def test_one_bad_try_is_made_good(setting: Setting) -> None:
    """A passing trouble costs a moment, not the protection."""
    setting.ecs.script.faults.append(Fault("status", status=500))
    await setting.agent.protect(on=True)
    assert setting.ecs.task(TASK).protected


async def test_fault_33_it_is_never_given_up_for_good(setting: Setting) -> None:
    """A blocked deployment passes; until then each failure counts, and the call goes on undisturbed."""
    setting.ecs.script.faults.append(Fault("failure", "DEPLOYMENT_BLOCKED", times=3))
    async with setting.protection().running():
        place = setting.admission.admit()
        await until(lambda: setting.ecs.task(TASK).protected)
        assert len(setting.failures) == 3
        place.release()
        await until(lambda: not setting.ecs.task(TASK).protected)


async def test_fault_33_it_is_taken_off_though_nobody_calls_again(setting: Setting) -> None:
    """An idle task that stays protected would hold up a deployment."""
    async with setting.protection().running():
        place = setting.admission.admit()
        await until(lambda: setting.ecs.task(TASK).protected)
        setting.ecs.script.faults.append(Fault("failure", "DEPLOYMENT_BLOCKED", times=2))
        place.release()
        await until(lambda: not setting.ecs.task(TASK).protected)
        assert setting.asked == [True, False, False, False]
        await asyncio.sleep(0.1)
        assert len(setting.asked) == 4
    assert len(setting.failures) == 2


async def test_fault_33_a_wish_without_an_answer_is_taken_back(setting: Setting) -> None:
    """It may have come true all the same."""
    setting.ecs.script.faults.append(Fault("hang", times=3, done=True))
    async with setting.protection().running():
        place = setting.admission.admit()
        await until(lambda: len(setting.asked) >= 3, 30)
        place.release()
        await until(lambda: setting.asked[-1] is False, 30)
    assert setting.asked[-1] is False
    assert not setting.ecs.task(TASK).protected


async def test_the_pretend_agent_refuses_what_the_real_one_refuses(setting: Setting) -> None:
    """Else a wrong wish would pass here and fail in the cloud."""
    async with _client(setting.ecs.uri(TASK)) as client:
        too_long = {"ProtectionEnabled": True, "ExpiresInMinutes": 2881}
        wrong: list[object] = [{}, [], {"ProtectionEnabled": "yes"}, too_long]
        for body in wrong:
            answer = await client.put("task-protection/v1/state", json=body)
            assert (answer.status_code, answer.json()["error"]["Code"]) == (400, "InvalidParameterException")
        assert (await client.get("task-protection/v1/state")).json()["protection"]["ProtectionEnabled"] is False
