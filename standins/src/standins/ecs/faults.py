"""Fault injection: a script of faults, each of which spoils the next requests.

Structures and statuses: github.com/aws/amazon-ecs-agent, ecs-agent/tmds/handlers/taskprotection/v1/handlers. Errors of
ECS itself keep ECS's status, which is 400 also for throttling and missing permissions.
"""

from dataclasses import dataclass
from typing import Literal, Self

from starlette.responses import JSONResponse, Response

ACTIONS = ("failure", "error", "status", "slow", "hang", "html")
_STATUS = {"RequestCanceled": 504, "ServerException": 500, "ResourceNotFoundException": 404}
LONGEST_CALL = 4.0
"""Seconds that the agent waits for ECS; its own response timeout is slightly longer."""


@dataclass(slots=True)
class EcsFault:
    """One entry of the script.

    Args:
        action: ``failure`` and ``error`` are ECS's two error forms, with ``word``; ``status`` is an error of the agent,
            ``slow`` a delay of ``seconds`` in ECS, ``hang`` no response, ``html`` a response that is not JSON.
        word: Such as ``DEPLOYMENT_BLOCKED``, ``TASK_NOT_VALID``, ``ThrottlingException``, ``AccessDeniedException``.
        status: For ``status``: the HTTP status.
        times: How many requests; ``None`` for all from now on.
        seconds: For ``slow``: the delay; the agent gives up after ``LONGEST_CALL``.
        done: Whether the request takes effect, so that only its response is lost.
    """

    action: Literal["failure", "error", "status", "slow", "hang", "html"]
    word: str = "DEPLOYMENT_BLOCKED"
    status: int = 500
    times: int | None = 1
    seconds: float = 3.5
    done: bool = False
    on: str = "any"

    @classmethod
    def read(cls, script: object) -> Self:
        """Parse a posted fault.

        Raises:
            ValueError: It is not valid; the text says why.
        """
        if not isinstance(script, dict) or script.get("action") not in ACTIONS:
            raise ValueError(f"a fault is a JSON object whose 'action' is one of {', '.join(ACTIONS)}")
        # Unknown fields raise TypeError, which names them.
        try:
            return cls(**script)
        except TypeError as error:
            raise ValueError(str(error)) from error

    @property
    def comes_true(self) -> bool:
        """Whether the request takes effect despite the fault."""
        # A delay below the agent's limit only makes the request slow.
        return self.done or (self.action == "slow" and self.seconds < LONGEST_CALL)

    def answer(self, arn: str) -> Response:
        """Return the spoiled response; for `hang`, one that arrives after the client has gone."""
        match self.action:
            case "hang":
                # The agent's own text when ECS takes too long.
                return Response(status_code=504)
            case "slow":
                late = {"Arn": arn, "Code": "RequestCanceled", "Message": "Timed out calling ECS Task Protection API"}
                return JSONResponse({"error": late}, 504)
            case "html":
                return Response("<html>proxy</html>", media_type="text/html")
            case "status":
                # The agent passes on ECS's error with a status of its own.
                return Response(status_code=self.status)
            case "error":
                error = {"Arn": arn, "Code": self.word, "Message": "as the script says"}
                return JSONResponse({"requestID": "standin", "error": error}, _STATUS.get(self.word, 400))
        return JSONResponse({"failure": {"Arn": arn, "Detail": None, "Reason": self.word}})
