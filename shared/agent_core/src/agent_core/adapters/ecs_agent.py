"""ECS's agent beside the task: may this task be stopped by a scale-in or a deployment?

Source: docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
"""

import asyncio
from typing import Final

import httpx

from agent_core.errors import UpstreamError

TRY_SECONDS: Final = 2.0
"""One try, from the first byte to the last."""
TRIES: Final = 3
_PAUSE_SECONDS: Final = 0.5
_EXPIRES_MINUTES: Final = 30
"""A task that dies without a word is spared no longer than this. CloudFormation gives up on an update after three
hours."""
_WORTH_ANOTHER: Final = frozenset({"ThrottlingException", "RequestCanceled", "ServerException"})


class EcsAgent:
    """Turns the protection of this task on and off.

    Args:
        client: Its base URL is the agent's, ``ECS_AGENT_URI``.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def protect(self, *, on: bool) -> None:
        """Spare this task, for a while, or spare it no longer. Bounded: three tries of two seconds.

        Raises:
            UpstreamError: ECS did not do it; the reason is a word of ECS's own vocabulary, or how the try ended.
        """
        for tries_left in reversed(range(TRIES)):
            problem = await self._try(on=on)
            if problem is None:
                return
            if not tries_left or not _is_passing(problem):
                raise UpstreamError("ecs_agent", problem)
            await asyncio.sleep(_PAUSE_SECONDS * (TRIES - tries_left))

    async def _try(self, *, on: bool) -> str | None:
        """Ask once; give the problem, if there is one."""
        body = {"ProtectionEnabled": on, **({"ExpiresInMinutes": _EXPIRES_MINUTES} if on else {})}
        try:
            async with asyncio.timeout(TRY_SECONDS):
                answer = await self._client.put("task-protection/v1/state", json=body)
        except TimeoutError:
            return "timeout"
        except httpx.HTTPError as error:
            return type(error).__name__
        return _problem(answer, on=on)


def _problem(answer: httpx.Response, *, on: bool) -> str | None:
    """Read the answer: ``protection`` where it was done, else ``failure`` or ``error``."""
    try:
        told = answer.json()
        if told.get("protection", {}).get("ProtectionEnabled") is on and answer.is_success:
            return None
        failure = told.get("failure", {}).get("Reason") or told.get("error", {}).get("Code")
    except (ValueError, AttributeError):
        failure = None
    return _word(failure) or f"status {answer.status_code}"


def _word(failure: object) -> str | None:
    """Take a word, not a text: this goes into the log."""
    return failure if isinstance(failure, str) and failure.replace("_", "").isalnum() else None


def _is_passing(problem: str) -> bool:
    """Tell whether the same question may have another answer in a moment."""
    return problem in _WORTH_ANOTHER or problem == "timeout" or problem.startswith("status 5") or "Error" in problem
