"""What goes wrong on request: a script of faults, each spoiling the next few wishes."""

from dataclasses import dataclass
from typing import Any, Literal, Self

from starlette.responses import JSONResponse, Response

ACTIONS = ("failure", "error", "status", "hang", "html")
_STATUS = {"ThrottlingException": 429, "AccessDeniedException": 403, "RequestCanceled": 504}


@dataclass(slots=True)
class Fault:
    """One entry of the script.

    Args:
        action: ``failure`` and ``error`` are ECS's two ways to say no, with ``word``; ``status`` is the agent's own
            trouble, ``hang`` no answer at all, ``html`` an answer that is none.
        word: Such as ``DEPLOYMENT_BLOCKED``, ``TASK_NOT_VALID``, ``ThrottlingException``, ``AccessDeniedException``.
        status: For ``status``: its number.
        times: How many wishes; ``None`` for all from now on.
        done: Whether the wish comes true all the same, so that only its answer is lost.
    """

    action: Literal["failure", "error", "status", "hang", "html"]
    word: str = "DEPLOYMENT_BLOCKED"
    status: int = 500
    times: int | None = 1
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

    def answer(self, arn: str) -> Response:
        """Give the spoilt answer; of a `hang`, what comes when nobody waits for it any more."""
        match self.action:
            case "hang":
                return Response(status_code=504)
            case "html":
                return Response("<html>proxy</html>", media_type="text/html")
            case "status":
                return Response(status_code=self.status)
            case "error":
                return JSONResponse(self._told("error", arn, "Code"), _STATUS.get(self.word, 400))
        return JSONResponse(self._told("failure", arn, "Reason"))

    def _told(self, kind: str, arn: str, name: str) -> dict[str, Any]:
        return {"requestID": "standin", kind: {"Arn": arn, name: self.word, "Message": "as the script says"}}
