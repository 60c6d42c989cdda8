"""ECS's agent beside the task: may this task be stopped by a scale-in or a deployment?

Sources: docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html;
github.com/aws/amazon-ecs-agent, ecs-agent/tmds/handlers/taskprotection/v1/handlers.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import httpx

from agent_core.errors import UpstreamError

TRY_SECONDS: Final = 5.0
"""One try, from the first byte to the last. The agent waits four seconds for ECS, and then says so."""
TRIES: Final = 3
_PAUSE_SECONDS: Final = 0.5
_EXPIRES_MINUTES: Final = 30
"""A task that dies without a word is spared no longer than this. CloudFormation gives up on an update after three
hours."""
_LONGEST_WORD: Final = 60
_PASSING: Final = frozenset({"RequestCanceled", "ServerException"})
_THROTTLED: Final = ("Thrott", "RequestLimitExceeded", "TooManyRequests")


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why a try failed, in a word, and whether the same question may have another answer in a moment."""

    word: str
    passing: bool


class EcsAgent:
    """Turns the protection of this task on and off.

    Args:
        client: Its base URL is the agent's, ``ECS_AGENT_URI``.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def protect(self, *, on: bool) -> None:
        """Spare this task, for a while, or spare it no longer. Bounded: three tries of five seconds.

        Raises:
            UpstreamError: ECS did not do it; the reason is a word of ECS's own vocabulary, or how the try ended.
        """
        for tries_left in reversed(range(TRIES)):
            problem = await self._try(on=on)
            if problem is None:
                return
            if not tries_left or not problem.passing:
                raise UpstreamError("ecs_agent", problem.word)
            await asyncio.sleep(_PAUSE_SECONDS * (TRIES - tries_left))

    async def _try(self, *, on: bool) -> _Problem | None:
        """Ask once; return the problem, if there is one."""
        body = {"ProtectionEnabled": on, **({"ExpiresInMinutes": _EXPIRES_MINUTES} if on else {})}
        try:
            async with asyncio.timeout(TRY_SECONDS):
                answer = await self._client.put("task-protection/v1/state", json=body)
        except TimeoutError:
            return _Problem("timeout", passing=True)
        except httpx.HTTPError as error:
            return _Problem(type(error).__name__, passing=True)
        return _problem(answer, on=on)


def _problem(answer: httpx.Response, *, on: bool) -> _Problem | None:
    """Read the answer: ``protection`` where it was done, else ``failure`` (with status 200) or ``error``."""
    if answer.is_success and _part(answer, "protection").get("ProtectionEnabled") is on:
        return None
    word = _word(_part(answer, "failure").get("Reason")) or _word(_part(answer, "error").get("Code"))
    throttled = word is not None and any(part in word for part in _THROTTLED)  # with ECS's own status, 400
    passing = answer.is_server_error or throttled or word in _PASSING
    return _Problem(word or f"status {answer.status_code}", passing)


def _part(answer: httpx.Response, name: str) -> dict[str, Any]:
    """Return a part of the answer; an empty one where there is none."""
    try:
        told = answer.json()
    except ValueError:
        return {}
    part = told.get(name) if isinstance(told, dict) else None
    return part if isinstance(part, dict) else {}


def _word(text: object) -> str | None:
    """Take a word, not a text: this goes into the log."""
    return text[:_LONGEST_WORD] if isinstance(text, str) and text.replace("_", "").isalnum() else None
