"""What runs on this machine, and what the pretend model says it heard."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

_STATE: Final = Path(".run") / "run.json"
_LOOK_SECONDS: Final = 3.0
DEFAULT_URL: Final = "http://127.0.0.1:7860"


class NothingRunsError(Exception):
    """No running system was found."""

    def __init__(self, url: str) -> None:
        super().__init__(f"Nothing answers at {url}: start it with make run")


@dataclass(frozen=True)
class Running:
    """A system started by `voice-agent run`."""

    base_url: str
    exchange_url: str
    """Empty where the telephone is the real one: then no exchange runs on this machine."""
    model_control_url: str
    log: Path | None


@dataclass
class ModelView:
    """What the pretend model noticed of one call; `at` are Unix seconds."""

    heard: list[dict[str, Any]] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    interruptions: int = 0


async def find_running(start: Path) -> Running:
    """Read the state file in this folder or one above it, and check that somebody answers.

    Raises:
        NothingRunsError: no state file, or nobody answers where it says.
    """
    path = next((folder / _STATE for folder in (start, *start.parents) if (folder / _STATE).is_file()), None)
    if path is None:
        raise NothingRunsError(DEFAULT_URL)
    state = json.loads(path.read_text())
    log = state.get("logs", {}).get("phone-agent")
    running = Running(
        state["base_url"],
        state["twilio"]["url"] if state["twilio"].get("auth_token") else "",
        state.get("nova", {}).get("control", ""),
        path.parent.parent / log if log else None,
    )
    async with httpx.AsyncClient(trust_env=False, timeout=_LOOK_SECONDS) as client:
        for url in filter(None, (running.base_url, running.exchange_url)):
            try:
                await client.get(f"{url}/health")
            except httpx.HTTPError as error:
                raise NothingRunsError(url) from error
    return running


async def model_view(running: Running, call_sid: str) -> ModelView | None:
    """Ask the pretend model about the sessions of a call; None when it cannot be known."""
    if running.log is None or not running.model_control_url:
        return None
    view = ModelView()
    sessions = list(_sessions(running.log, call_sid))
    async with httpx.AsyncClient(trust_env=False, timeout=_LOOK_SECONDS) as client:
        for session in sessions:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                answer = (await client.get(f"{running.model_control_url}/sessions/{session}")).raise_for_status().json()
                _add(view, answer)
    return view if sessions else None


def _add(view: ModelView, session: dict[str, Any]) -> None:
    view.heard += session.get("heard", [])
    view.tools += session.get("tools", [])
    view.said += session.get("said", [])
    view.interruptions += session.get("interruptions", 0)


def _sessions(log: Path, call_sid: str) -> Iterator[str]:
    """Find the model sessions of a call in the agent's own log."""
    with contextlib.suppress(OSError), log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if call_sid in line and "model_session_started" in line:
                with contextlib.suppress(ValueError):
                    fields = json.loads(line)
                    if fields.get("call_sid") == call_sid and fields.get("model_session_id"):
                        yield fields["model_session_id"]
