"""Tracks the tool results that a model waits for, and rejects what must not arrive meanwhile."""

import json
from typing import Any

from standins.nova.errors import INVALID_INPUT, TOOL_RESULT, invalid
from standins.nova.service_limits import ServiceLimits


class ToolResults:
    """Tool uses of one stream. Times are in seconds of the wall clock."""

    def __init__(self, limits: ServiceLimits) -> None:
        self._limits = limits
        self._expected: set[str] = set()
        self._waiting_since: dict[str, float] = {}

    def expect(self, tool_use_id: str, at: float) -> None:
        """Allow one result for this tool use; the model waits for it from now on."""
        self._expected.add(tool_use_id)
        self._waiting_since[tool_use_id] = at

    def stop_waiting(self, tool_use_id: str) -> None:
        """Record that the model continues without this result, which may still arrive."""
        self._waiting_since.pop(tool_use_id, None)

    def check_expected(self, tool_use_id: str) -> None:
        """Check that a result is expected.

        Raises:
            StreamFault: There was no such tool use, or it already has its result.
        """
        if tool_use_id not in self._expected:
            raise invalid(TOOL_RESULT, "no result is expected under this toolUseId")

    def check_audio(self, at: float) -> None:
        """Check that audio is allowed now.

        Raises:
            StreamFault: The model waits for a result, and rejects audio meanwhile.
        """
        if self._limits.audio_during_tools == "refuse" and self._waiting_since:
            waited = at - min(self._waiting_since.values())
            if waited > self._limits.audio_in_flight:
                raise invalid(INVALID_INPUT, f"audio {waited:.3f} s after a toolUse that has no result")

    def take(self, tool_use_id: str, text: str) -> dict[str, Any]:
        """Return a result's content, once.

        Raises:
            StreamFault: It is not a JSON object, or not the first result.
        """
        try:
            result = json.loads(text)
        except (ValueError, RecursionError) as broken:
            raise invalid(TOOL_RESULT, "the result is not JSON") from broken
        if not isinstance(result, dict):
            raise invalid(TOOL_RESULT, "the result is not a JSON object")
        self.check_expected(tool_use_id)
        self._expected.discard(tool_use_id)
        self.stop_waiting(tool_use_id)
        return result
