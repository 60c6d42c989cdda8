"""The system that runs on this machine, and what its model stand-in reports about a call."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx

from voice_agent.call.containers import CALLED_URL, find_containers

_STATE: Final = Path(".run") / "run.json"
_LOOK_SECONDS: Final = 3.0
DEFAULT_URL: Final = "http://127.0.0.1:7860"


class NothingRunsError(Exception):
    """No running system was found."""

    def __init__(self, url: str) -> None:
        super().__init__(f"Nothing answers at {url}: start it with `make run` or `docker compose up`")


@dataclass(frozen=True)
class Running:
    """A system started by `voice-agent run`, or by `docker compose up`."""

    base_url: str
    """The URL on this machine."""
    called_url: str
    """The same service's URL for the exchange."""
    exchange_url: str
    """Empty if the telephone is the real Twilio, because then no exchange runs on this machine."""
    model_control_url: str
    phone_log: Callable[[], Iterable[str]]
    """Returns the lines of the phone service's log."""


@dataclass
class ModelView:
    """What the model stand-in recorded of one call; `at` are Unix seconds."""

    heard: list[dict[str, Any]] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    interruptions: int = 0


@dataclass(frozen=True)
class Played:
    """A recording that the service played in place of the model; `at` is Unix seconds."""

    at: float
    name: str


@dataclass(frozen=True)
class EnteredStage:
    """A stage of the conversation that has begun; `at` is Unix seconds."""

    at: float
    name: str
    waited_ms: int
    """From the tool's result that led to it."""
    audio_lost_ms: int
    tools: tuple[str, ...]
    """What the model may call in it."""


def played(running: Running, call_sid: str) -> list[Played]:
    """Return the recordings that a call heard, from the service's log."""
    return [Played(at, fields["phrase"]) for at, fields in _logged(running, call_sid, "announcement_played")]


def stages(running: Running, call_sid: str) -> list[EnteredStage]:
    """Return the stages that a call has entered, from the service's log."""
    return [
        EnteredStage(at, fields["stage"], fields["waited_ms"], fields["audio_lost_ms"], tuple(fields["tools"]))
        for at, fields in _logged(running, call_sid, "stage_entered")
    ]


def _logged(running: Running, call_sid: str, event: str) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yield the lines of one event of a call: Unix seconds, and the fields."""
    for line in running.phone_log():
        # Parsing JSON is slow and the log long, so a text search selects the lines.
        if call_sid in line and event in line:
            with contextlib.suppress(ValueError, TypeError, KeyError):
                fields = json.loads(line)
                if fields["event"] == event and fields["call_sid"] == call_sid:
                    yield datetime.fromisoformat(fields["timestamp"]).timestamp(), fields


async def find_running(start: Path) -> Running:
    """Find the system that was started in this folder or one above it, and check that it answers.

    Raises:
        NothingRunsError: no system was started there, or it does not answer.
    """
    # In a thread, because asking Compose takes up to ten seconds.
    running = _processes(start) or await asyncio.to_thread(_containers, start)
    if running is None:
        raise NothingRunsError(DEFAULT_URL)
    async with httpx.AsyncClient(trust_env=False, timeout=_LOOK_SECONDS) as client:
        for url in filter(None, (running.base_url, running.exchange_url)):
            try:
                await client.get(f"{url}/health")
            except httpx.HTTPError as error:
                raise NothingRunsError(url) from error
    return running


def _processes(start: Path) -> Running | None:
    """Return the system of the state file that `voice-agent run` keeps while it runs."""
    # Above too, so that the command also works in a subfolder of the checkout.
    path = next((folder / _STATE for folder in (start, *start.parents) if (folder / _STATE).is_file()), None)
    if path is None:
        return None
    state = json.loads(path.read_text())
    log = state.get("logs", {}).get("phone-agent")
    return Running(
        state["base_url"],
        state["base_url"],
        state["twilio"]["url"] if state["twilio"].get("auth_token") else "",
        state.get("nova", {}).get("control", ""),
        lambda: _lines(path.parent.parent / log) if log else (),
    )


def _containers(start: Path) -> Running | None:
    found = find_containers(start)
    if found is None:
        return None
    return Running(found.base_url, CALLED_URL, found.exchange_url, found.model_control_url, found.phone_log)


def _lines(log: Path) -> Iterator[str]:
    with contextlib.suppress(OSError), log.open(encoding="utf-8", errors="replace") as lines:
        yield from lines


async def model_view(running: Running, call_sid: str) -> ModelView | None:
    """Return what the model stand-in reports about the sessions of a call; None if there is none."""
    if not running.model_control_url:
        return None
    # A call has several sessions, because the agent renews its model session.
    view = ModelView()
    sessions = [*_sessions(await asyncio.to_thread(running.phone_log), call_sid)]
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


def _sessions(log: Iterable[str], call_sid: str) -> Iterator[str]:
    """Yield the model sessions of a call, from the agent's log."""
    for line in log:
        if call_sid in line and "model_session_started" in line:
            with contextlib.suppress(ValueError):
                fields = json.loads(line)
                # The text search also matches a line that only mentions this call.
                if fields.get("call_sid") == call_sid and fields.get("model_session_id"):
                    yield fields["model_session_id"]
