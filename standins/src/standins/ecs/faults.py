"""What goes wrong on request: a script of faults, each spoiling the next few wishes.

Shapes and statuses: github.com/aws/amazon-ecs-agent, ecs-agent/tmds/handlers/taskprotection/v1/handlers. What ECS
itself refuses keeps ECS's status, which is 400 in its protocol also for throttling and for missing rights.
"""

from dataclasses import dataclass
from typing import Literal, Self

from starlette.responses import JSONResponse, Response

ACTIONS = ("failure", "error", "status", "slow", "hang", "html")
_STATUS = {"RequestCanceled": 504, "ServerException": 500, "ResourceNotFoundException": 404}
LONGEST_CALL = 4.0
"""Seconds that the agent waits for ECS; its own limit for an answer is a little more."""


@dataclass(slots=True)
class EcsFault:
    """One entry of the script.

    Args:
        action: ``failure`` and ``error`` are ECS's two ways to say no, with ``word``; ``status`` is the agent's own
            trouble, ``slow`` an ECS that takes ``seconds``, ``hang`` no answer at all, ``html`` an answer that is none.
        word: Such as ``DEPLOYMENT_BLOCKED``, ``TASK_NOT_VALID``, ``ThrottlingException``, ``AccessDeniedException``.
        status: For ``status``: its number.
        times: How many wishes; ``None`` for all from now on.
        seconds: For ``slow``: how long ECS takes; the agent gives it up after ``LONGEST_CALL``.
        done: Whether the wish comes true all the same, so that only its answer is lost.
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
        """Read what was posted.

        Raises:
            ValueError: It is no fault; the text says what is wrong.
        """
        if not isinstance(script, dict) or script.get("action") not in ACTIONS:
            raise ValueError(f"a fault is a JSON object whose 'action' is one of {', '.join(ACTIONS)}")
        try:
            return cls(**script)
        except TypeError as error:
            raise ValueError(str(error)) from error

    @property
    def comes_true(self) -> bool:
        """Whether the wish is granted in spite of it."""
        return self.done or (self.action == "slow" and self.seconds < LONGEST_CALL)

    def answer(self, arn: str) -> Response:
        """Give the spoilt answer; of a `hang`, what comes when nobody waits for it any more."""
        match self.action:
            case "hang":
                return Response(status_code=504)
            case "slow":
                late = {"Arn": arn, "Code": "RequestCanceled", "Message": "Timed out calling ECS Task Protection API"}
                return JSONResponse({"error": late}, 504)
            case "html":
                return Response("<html>proxy</html>", media_type="text/html")
            case "status":
                return Response(status_code=self.status)
            case "error":
                error = {"Arn": arn, "Code": self.word, "Message": "as the script says"}
                return JSONResponse({"requestID": "standin", "error": error}, _STATUS.get(self.word, 400))
        return JSONResponse({"failure": {"Arn": arn, "Detail": None, "Reason": self.word}})
