"""The ECS agent stand-in as a server. Each task has its own URL, as with the original.

PUT, GET  /<task>/task-protection/v1/state   the agent's endpoint
GET       /tasks                             every task: its state and its requests
GET, POST, DELETE /faults                    the fault script, see `EcsFault`
GET       /health                            health check
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from standins.ecs.faults import LONGEST_CALL, EcsFault
from standins.ecs.protection import InvalidRequestError, ProtectedTask, Wish
from standins.fault_schedule import FaultSchedule
from standins.serving import serving

ABOUT = "Stand-in for the ECS agent: task protection only; no metadata, no credentials; the tests have a scheduler"

type Log = Callable[[dict[str, object]], None]


def _silent(_: dict[str, object]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class EcsSettings:
    """Settings of the stand-in.

    Args:
        port: 0 selects a free port.
        host: Address to listen on.
        clock: Returns unix seconds.
        log: Called with one event per request.
        latency: Seconds that ECS takes; the agent calls it over the network for each request.
    """

    port: int = 0
    host: str = "127.0.0.1"
    clock: Callable[[], float] = time.time
    log: Log = _silent
    latency: float = 0.15


class EcsStandin:
    """A running stand-in, for the duration of an ``async with`` block."""

    def __init__(self, settings: EcsSettings | None = None) -> None:
        self._settings = settings or EcsSettings()
        self._running = AsyncExitStack()
        self.port = 0
        self.tasks: dict[str, ProtectedTask] = {}
        self.script: FaultSchedule[EcsFault] = FaultSchedule()
        self.desired: dict[str, int] = {}
        """Desired number of tasks of a service, by the prefix of their names; no more of them can be protected."""

    async def __aenter__(self) -> Self:
        """Open the port.

        Raises:
            OSError: The port is in use.
        """
        app = Starlette(
            routes=[
                Route("/{task}/task-protection/v1/state", self._state, methods=["GET", "PUT"]),
                Route("/tasks", self._tasks),
                Route("/faults", self._faults, methods=["GET", "POST", "DELETE"]),
                Route("/health", self._health),
            ]
        )
        server = serving(app, host=self._settings.host, port=self._settings.port)
        self.port = await self._running.enter_async_context(server)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the port."""
        await self._running.aclose()

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://{self._settings.host}:{self.port}"

    def uri(self, task: str) -> str:
        """Return the value of ``ECS_AGENT_URI`` in a task."""
        return f"{self.url}/{task}"

    def task(self, name: str) -> ProtectedTask:
        """Return a task; an unknown one is created without protection."""
        # A task exists from its first request, as the agent serves only its own tasks.
        return self.tasks.setdefault(name, ProtectedTask(name, self._settings.clock))

    async def _state(self, request: Request) -> Response:
        task = self.task(request.path_params["task"])
        if request.method == "GET":
            await asyncio.sleep(self._settings.latency)
            return JSONResponse(task.as_json())
        try:
            wish = Wish.read(await request.json())
        except ValueError as error:
            return JSONResponse(_invalid(error, task.arn), 400)
        # Recorded before a fault strikes: the request was valid.
        task.asked.append(wish)
        fault = self.script.take("any") or self._blocked(task, wish)
        # The agent gives up after its limit, however long ECS takes.
        slow = fault.seconds if fault is not None and fault.action == "slow" else self._settings.latency
        await asyncio.sleep(min(slow, LONGEST_CALL))
        if fault is None or fault.comes_true:
            task.grant(wish)
        self._settings.log({"event": "protection", "task": task.name, "wish": wish.enabled, "fault": fault is not None})
        if fault is None or (fault.action == "slow" and fault.comes_true):
            return JSONResponse(task.as_json())
        if fault.action == "hang":
            # The client has to time out.
            await _until_gone(request)
        return fault.answer(task.arn)

    def _blocked(self, task: ProtectedTask, wish: Wish) -> EcsFault | None:
        """Return a fault if more tasks than the desired number would be protected, also for a renewal."""
        # Task names have the form service-number.
        service = task.name.rpartition("-")[0]
        protected = {name for name, one in self.tasks.items() if one.protected and name.startswith(f"{service}-")}
        too_many = len(protected | {task.name}) > self.desired.get(service, len(protected) + 1)
        return EcsFault("failure", "DEPLOYMENT_BLOCKED") if wish.enabled and too_many else None

    async def _tasks(self, _: Request) -> Response:
        body: dict[str, Any] = {
            name: {
                "protected": task.protected,
                "asked": [wish.enabled for wish in task.asked],
                "switched_on": task.switched_on,
                "switched_off": task.switched_off,
            }
            for name, task in self.tasks.items()
        }
        return JSONResponse(body)

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.script.faults.clear()
        if request.method == "POST":
            try:
                self.script.faults.append(EcsFault.read(await request.json()))
            except ValueError as error:
                return JSONResponse({"message": str(error)}, 400)
        return JSONResponse([{"action": one.action, "times": one.times} for one in self.script.faults])

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "standin": "ecs"})


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _invalid(error: ValueError, arn: str) -> dict[str, dict[str, str]]:
    """Return an error response; a request that cannot be decoded is rejected before its task is looked up."""
    decoded = isinstance(error, InvalidRequestError)
    where = {"Arn": arn} if decoded else {}
    reason = str(error) if decoded else "UpdateTaskProtection: failed to decode request"
    return {"error": {**where, "Code": "InvalidParameterException", "Message": reason}}
