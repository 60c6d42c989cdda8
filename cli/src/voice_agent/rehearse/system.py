"""The system that rehearsals call: one of their own, so that nothing of a running one is changed or booked."""

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import httpx

from voice_agent.call.running import Running
from voice_agent.run.parts import Ports, Program, Secrets, Wishes
from voice_agent.run.plan import Plan, make_plan
from voice_agent.run.ports import PORT_NAMES, free_port
from voice_agent.run.process import Child
from voice_agent.run.systems import without_secrets

_SESSIONS: Final = "100"
"""Conversations that a task accepts: the number of callers at once is the rehearsals' own choice."""
_RATES: Final = ("ARRIVALS_PER_ADDRESS", "RATE_LIMIT_STARTS_PER_MINUTE", "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS")
LOOPBACK: Final = "127.0.0.1"
_CONTROL_SECONDS: Final = 5.0
_GROUP: Final = "PhoneTargetGroup"


@dataclass
class System:
    """A running system. Its second phone service is ready, and outside the load balancer until the first is killed.

    The third one waits for the second, and so on: each group of conversations loses a task of its own.
    """

    running: Running
    web_url: str
    _control_url: str
    _phones: list["_Service"] = field(default_factory=list)

    async def kill_task(self) -> None:
        """Kill the phone service that holds every call; a second one takes its place, as in the cloud."""
        killed = self._phones.pop(0)
        successor = self._phones[0]
        # ECS deregisters a container that has stopped; until then the load balancer still tries it.
        await self._target("POST", successor)
        killed.kill()
        await killed.ended()
        await self._target("DELETE", killed)

    async def _target(self, method: str, phone: "_Service") -> None:
        target = {"group": _GROUP, "address": f"127.0.0.1:{phone.program.ports[0]}"}
        async with httpx.AsyncClient(trust_env=False, timeout=_CONTROL_SECONDS) as client:
            answer = await client.request(method, f"{self._control_url}/targets", json=target)
            answer.raise_for_status()


class _Service(Child):
    """A program whose log can be read again."""

    def __init__(self, program: Program, log: Path) -> None:
        super().__init__(program, log, lambda _name, _line: None)
        self.log = log


@contextlib.asynccontextmanager
async def open_system(
    folder: Path, agents: Path, rehearsed: Path, environment: Mapping[str, str], *, phones: int = 1
) -> AsyncIterator[System]:
    """Start everything on free ports, yield it when it is ready, and stop it.

    Args:
        folder: An existing folder for logs, certificates and call states.
        agents: The folder with the agents' folders.
        rehearsed: A folder with the agent that the stand-in for the model learns.
        environment: Variables for the services and their tools.
        phones: Phone services to start; the first receives the calls.

    Raises:
        ChildError: A part did not start; the message has its last log line.
    """
    control = free_port()
    plan = _plan(folder, agents, rehearsed, environment)
    programs = [_numbered(plan.agents[0], number) for number in range(phones)]
    edge = replace(plan.edge, arguments=(*plan.edge.arguments, "--control-port", str(control)))
    services: list[_Service] = []
    try:
        for group in (plan.standins, [*programs, *plan.agents[1:]], [edge]):
            started = [_Service(program, folder / f"{program.name}.jsonl") for program in group]
            services += started
            # All start before the first is waited for: their imports overlap.
            await asyncio.gather(*(one.start() for one in started))
            await asyncio.gather(*(one.ready() for one in started))
        phones_started = [one for one in services if one.program.module == "phone_agent"]
        running = Running(
            plan.base_url,
            plan.base_url,
            str(_part(plan, "twilio")["url"]),
            str(_part(plan, "nova")["control"]),
            lambda: _lines([one.log for one in phones_started]),
        )
        yield System(running, plan.base_url, f"http://127.0.0.1:{control}", [*phones_started])
    finally:
        await _stop(services, {program.name for program in (*programs, *plan.agents)})


def _plan(folder: Path, agents: Path, rehearsed: Path, environment: Mapping[str, str]) -> Plan:
    own = Secrets(
        access_key="standin",
        secret_key=secrets.token_hex(16),
        account_sid=f"AC{secrets.token_hex(16)}",
        auth_token=secrets.token_hex(16),
        daily_key=secrets.token_hex(32),
    )
    # Free ones, so that a running system and several rehearsals do not meet.
    ports = Ports(**{name: free_port() for name in PORT_NAMES})
    wishes = Wishes(ports, nova="standin", weather="standin")
    # Not one real credential: a rehearsal on this machine must cost nothing and place no real call.
    limits = dict.fromkeys(("MAX_SESSIONS", *_RATES), _SESSIONS)
    # Over loopback alone, so that a visit also works on a machine without a network.
    own_values = {"AGENTS_DIR": str(agents), "ICE_HOSTS": LOOPBACK}
    variables = without_secrets(environment) | limits | own_values
    # A stand-in answers in place of the operator's people.
    variables.pop("TRANSFER_DESTINATIONS", None)
    variables.pop("BOOKING_DESK_URL", None)
    plan = make_plan(variables, wishes, own, folder, live_weather=False)
    return replace(plan, standins=[_knowing(program, rehearsed) for program in plan.standins])


def _knowing(program: Program, rehearsed: Path) -> Program:
    """Let the stand-in for the model learn one copy of the agent; the others have the same name, tools and words."""
    if program.name != "nova":
        return program
    given = program.arguments
    at = given.index("--agents") if "--agents" in given else len(given)
    return replace(program, arguments=(*given[:at], "--agents", str(rehearsed), *given[at + 2 :]))


def _numbered(program: Program, number: int) -> Program:
    """Return another process of a service; the first keeps its port."""
    if not number:
        return program
    port = free_port()
    environment = {**program.environment, "FAST_API_PORT": str(port)}
    health = f"http://127.0.0.1:{port}/health"
    return replace(program, name=f"{program.name}-{number}", environment=environment, health=health, ports=(port,))


def _part(plan: Plan, name: str) -> Mapping[str, object]:
    part = plan.state[name]
    return part if isinstance(part, Mapping) else {}


def _lines(logs: Sequence[Path]) -> Iterable[str]:
    return itertools.chain.from_iterable(_of(log) for log in logs)


def _of(log: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return log.read_text(encoding="utf-8", errors="replace").splitlines()
    return []


async def _stop(services: Sequence[_Service], first: set[str]) -> None:
    """Stop the services before the stand-ins, so that they can end their conversations."""
    try:
        await asyncio.gather(*(one.stop() for one in services if one.program.name in first))
        await asyncio.gather(*(one.stop() for one in services if one.program.name not in first))
    finally:
        for one in services:
            one.kill()
