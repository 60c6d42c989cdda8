"""Prevent this task from being stopped while visitors talk.

Before ECS stops a task, it deregisters it from the load balancer. That sends it nothing new and waits for its open
requests, at most for the deregistration delay; only then does the task get SIGTERM. A phone call is such a request. A
visit is not, because its audio goes through Daily. The task therefore keeps one request to itself open through the load
balancer, from its first visitor to its last, and ECS waits for visitors as it does for callers.

Sources: docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html;
docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html#deregistration-delay.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

import httpx
import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from agent_core.admission import Admission

log = structlog.get_logger()

PATH: Final = "/open-request"
BEAT_SECONDS: Final = 10.0
"""Interval at which a byte is sent. A load balancer closes a connection that is silent for 60 s or more, as does
CloudFront.
"""
_SILENCE_SECONDS: Final = 3 * BEAT_SECONDS
TRY_SECONDS: Final = 5.0
TRIES: Final = 20
"""The load balancer chooses the task with the fewest open requests: a task without one is among the candidates."""
PAUSE_SECONDS: Final = 0.2
"""Pause between two attempts of one round, and after a broken request."""
AGAIN_SECONDS: Final = 15.0
"""Pause between two rounds. A task that is already draining never succeeds, and must not use up the firewall's rate
limit.
"""


class OpenRequest:
    """One request of this task to itself, open while a slot is taken or promised.

    Args:
        client: Its base URL is the public one.
        admission: Knows whether there are visitors.
        on_failure: Called for each round in which the load balancer did not route the request here.
    """

    def __init__(self, client: httpx.AsyncClient, admission: Admission, on_failure: Callable[[], None]) -> None:
        self._client = client
        self._admission = admission
        self._on_failure = on_failure
        self._name = secrets.token_urlsafe(16)

    def install(self, app: FastAPI) -> None:
        """Respond with a byte at intervals in the task that sent the request, and with 404 in every other."""
        app.add_route(f"{PATH}/{{name}}", self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        if not secrets.compare_digest(request.path_params["name"].encode(), self._name.encode()):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return StreamingResponse(self._beats(), media_type="text/plain", headers={"cache-control": "no-store"})

    async def _beats(self) -> AsyncIterator[bytes]:
        """Continue until the last slot has been returned; conversations are bounded, so this is too."""
        yield b"\n"
        while not await self._admission.wait_until_empty(BEAT_SECONDS):
            yield b"\n"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the visitors while the block runs."""
        following = asyncio.create_task(self._follow(), name="open-request")
        try:
            yield
        finally:
            following.cancel()
            await asyncio.wait({following})

    async def _follow(self) -> None:
        while True:
            await self._admission.wait_until_busy()
            if await self._keep_open():
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            # Without the request ECS may stop this task during a visit, so the operator must know.
            log.warning("open_request_failed", tries=TRIES)
            self._on_failure()
            await self._admission.wait_until_empty(AGAIN_SECONDS)

    async def _keep_open(self) -> bool:
        """Make one round of attempts; return whether one was routed here, in which case it has ended again."""
        for _ in range(TRIES):
            if await self._try():
                return True
            if await self._admission.wait_until_empty(PAUSE_SECONDS):
                return True
        return False

    async def _try(self) -> bool:
        """Send one request and read it to its end; return whether this task answered it."""
        timeout = httpx.Timeout(TRY_SECONDS, read=_SILENCE_SECONDS)
        # The load balancer's cookie would bind the next attempt to the task that has just refused.
        self._client.cookies.clear()
        answered = False
        try:
            async with self._client.stream("GET", f"{PATH}/{self._name}", timeout=timeout) as answer:
                if answer.status_code != HTTPStatus.OK:
                    return False
                answered = True
                log.info("open_request", open=True)
                async for _ in answer.aiter_raw():
                    pass
        except httpx.HTTPError as error:
            log.info("open_request_broken", error=type(error).__name__)
        if answered:
            log.info("open_request", open=False)
        return answered
