"""Replays a recording to a stand-in, and reports where the stand-in answers differently."""

import asyncio
import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from agent_core.errors import ModelError
from agent_core.nova.stream import ModelClient
from doctor.live.model_exchange import exchange
from doctor.live.recording import EventRecording

_LONGEST_PAUSE: Final = 0.5
_RESULT: Final = "toolResult"


@dataclass
class RecordedStream:
    """One stream of a recording."""

    name: str
    sent: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    received: set[str] = field(default_factory=set)
    error: str = ""
    """Kind and text of the error that ended it."""


def read(path: Path) -> list[RecordedStream]:
    """Return the streams of a recording."""
    found: dict[str, RecordedStream] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        one = found.setdefault(entry["stream"], RecordedStream(entry["stream"]))
        # Entries with the direction "ended" have an error, or an empty text for none.
        match entry["direction"]:
            case "sent":
                one.sent.append((entry["at"], entry["event"]))
            case "received":
                one.received |= entry.get("event", {}).keys()
            case _ if entry["error"]:
                one.error = f"{entry['error']}: {entry['text']}"
    return list(found.values())


async def differences(
    path: Path, client: ModelClient, model: str, scratch: Path, *, only: Iterable[str] = ()
) -> list[str]:
    """Replay every stream, and return those that end differently.

    Args:
        path: The recording; texts and audio may be left out of it.
        client: Opens streams at a stand-in.
        model: Bedrock ID.
        scratch: Receives the events of the replay.
        only: Prefixes of stream names; none selects all.
    """
    wanted = tuple(only) or ("",)
    again, differing = EventRecording(scratch), []
    try:
        for one in (one for one in read(path) if one.name.startswith(wanted)):
            error = await _resent(one, client, model, again)
            # Compare kinds only: texts contain request IDs and numbers.
            if _kind(error) != _kind(one.error):
                differing.append(f"{one.name}: recorded {one.error or 'no error'}, now {error or 'no error'}")
    finally:
        again.close()
    return differing


async def _resent(recorded: RecordedStream, client: ModelClient, model: str, recording: EventRecording) -> str:
    try:
        async with exchange(client, model, recorded.name, recording) as one:
            before = recorded.sent[0][0] if recorded.sent else 0.0
            for at, event in recorded.sent:
                if _RESULT in event:
                    break  # its tool use ID belongs to another stream
                # Keep the order and short pauses; waiting as long as the original proves nothing more.
                await asyncio.sleep(min(at - before, _LONGEST_PAUSE))
                await one.send([json.dumps({"event": _whole(event)}).encode()])
                before = at
            await one.lives(_LONGEST_PAUSE)
            return "" if one.error is None else f"{one.error.kind}: {one.error.reason}"
    except ModelError as error:
        return f"{error.kind}: {error.reason}"


def _whole(event: dict[str, Any]) -> dict[str, Any]:
    """Insert silence of the same length where audio was left out."""
    ((name, fields),) = event.items()
    if "base64_bytes" not in fields:
        return event
    kept = {key: value for key, value in fields.items() if key != "base64_bytes"}
    # Base64 has 4 characters per 3 bytes; samples have 2 bytes.
    size = fields["base64_bytes"] // 4 * 3 // 2 * 2
    return {name: {**kept, "content": base64.b64encode(bytes(size)).decode()}}


def _kind(error: str) -> str:
    """Return an error without the parts that differ between streams."""
    return error.rpartition("RequestId=")[0] or error.partition("(")[0].strip()
