"""Trouble on demand: scripts that say when and how the stand-in misbehaves."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

type Moment = Literal["open", "session", "answer", "tool_use"]
type Action = Literal[
    "freeze",
    "close",
    "rst",
    "disconnect",
    "exception",
    "unknown_event",
    "bad_json",
    "odd_audio",
    "empty_audio",
    "flood",
]


class Fault(BaseModel):
    """One script.

    `on` says when: as a stream `open`s (before its headers), once a `session` is open, as an `answer` begins to sound,
    as a `tool_use` is asked. `after_ms` then waits. At `open`, an `error` refuses the stream.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: Moment
    times: int | None = Field(default=1, ge=1)
    """How often; null is for ever."""
    skip: int = Field(default=0, ge=0)
    """How many moments to let pass first."""
    delay_ms: float = Field(default=0, ge=0, le=3_600_000)
    """Silence before going on as usual: of the headers at `open`, of the first sound at `answer`."""
    after_ms: float = Field(default=0, ge=0, le=3_600_000)
    action: Action | None = None
    error: str | None = None
    """Exception class, `ThrottlingException` or `throttlingException`."""
    message: str = "Injected by the stand-in."
    code: int = Field(default=0, ge=0, le=13)
    """HTTP/2 error code of `rst`; 0 is NO_ERROR, 2 INTERNAL_ERROR."""
    seconds: float = Field(default=60.0, gt=0, le=600)
    """Length of a `flood`."""
    speed: float = Field(default=10.0, gt=0, le=1000)
    """Times real time of a `flood`."""


class FaultPlan:
    """The scripts in force, in the order they were given."""

    def __init__(self) -> None:
        self._scripts: list[_Script] = []

    def add(self, fault: Fault) -> None:
        """Put a script in force."""
        self._scripts.append(_Script(fault))

    def clear(self) -> None:
        """Behave again."""
        self._scripts.clear()

    def take(self, moment: Moment) -> Fault | None:
        """Give the first script for this moment and count it; scripts whose `skip` is not used up let it pass."""
        for script in self._scripts:
            if script.fault.on == moment and script.strike():
                return script.fault
        return None

    def pending(self) -> list[Fault]:
        """Give the scripts that can still strike."""
        return [script.fault for script in self._scripts if script.left != 0]


class _Script:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = fault.times
        self._skip = fault.skip

    def strike(self) -> bool:
        if self.left == 0:
            return False
        if self._skip:
            self._skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True
