"""Fault injection: a script of faults, each of which spoils the next responses of one step."""

import asyncio
import json
from dataclasses import dataclass
from typing import Literal, Self

from starlette.responses import Response

from standins.daily import errors

STEPS = ("any", "create", "token", "delete", "get", "list")
ACTIONS = ("delay", "status", "bad_json", "wrong_types", "empty", "hang")
_NAMES = {401: errors.wrong_key, 429: errors.too_fast}
_FOR_EVER = 3600.0


@dataclass(slots=True)
class DailyFault:
    """One entry of the script.

    Args:
        on: The step to spoil.
        action: What happens to the response; ``delay`` changes nothing else, ``hang`` never responds.
        times: How many responses; ``None`` for all from now on.
        done: Whether the step is executed, so that only its response is lost.
        after_ms: Delay of the response.
        status: For ``status``: the HTTP status.
        retry_after: For ``status``: seconds in the Retry-After header.
    """

    on: Literal["any", "create", "token", "delete", "get", "list"] = "any"
    action: Literal["delay", "status", "bad_json", "wrong_types", "empty", "hang"] = "delay"
    times: int | None = 1
    done: bool = False
    after_ms: float = 0
    status: int = 500
    retry_after: int | None = None

    @classmethod
    def read(cls, script: object) -> Self:
        """Parse a posted fault.

        Raises:
            ValueError: It is not valid; the text says why.
        """
        if not isinstance(script, dict):
            message = "a fault is a JSON object"
            raise ValueError(message)  # noqa: TRY004 - invalid input, not a wrong type in code
        try:
            # Unknown fields raise TypeError, which names them.
            fault = cls(**script)
        except TypeError as error:
            raise ValueError(str(error)) from error
        if fault.on not in STEPS or fault.action not in ACTIONS:
            raise ValueError(f"'on' must be one of {', '.join(STEPS)}; 'action' one of {', '.join(ACTIONS)}")
        return fault

    async def answer(self) -> Response | None:
        """Return the spoiled response after its delay; None keeps the good one."""
        # Also before an error, to imitate a slow failure.
        await asyncio.sleep(self.after_ms / 1000)
        match self.action:
            case "hang":
                await asyncio.sleep(_FOR_EVER)
            case "status":
                headers = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
                return _json(self._body(), self.status, headers)
            case "bad_json":
                return Response('{"token": "eyJ', media_type="application/json")
            case "wrong_types":
                return _json({"name": 7, "url": None, "token": []})
            case "empty":
                return _json({})
        return None

    def _body(self) -> object:
        named = _NAMES.get(self.status)
        return named().body if named else {"error": "server-error", "info": "something unexpected happened"}


def _json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, headers, media_type="application/json")
