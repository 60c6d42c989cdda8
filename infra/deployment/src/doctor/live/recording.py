"""Records raw events of probes as JSON lines: enough to replay them, by default without texts and audio."""

import json
import time
from pathlib import Path
from typing import Any, TextIO

_TEXTS = {"textInput", "textOutput", "toolUse"}
_AUDIO = {"audioInput", "audioOutput"}


class EventRecording:
    """Writes a line for each event.

    Args:
        path: The file; it is overwritten.
        content: Whether to keep texts and audio.
    """

    def __init__(self, path: Path, *, content: bool = False) -> None:
        self._content = content
        self._file: TextIO = path.open("w", encoding="utf-8")
        self._begin = time.monotonic()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def note(self, stream: str, direction: str, event: dict[str, Any]) -> None:
        """Write one event.

        Args:
            stream: Name of the stream.
            direction: `sent`, `received`, or `ended` for the end of the stream.
            event: The event as sent or received.
        """
        line = {"at": round(time.monotonic() - self._begin, 4), "stream": stream, "direction": direction}
        kept = event if self._content else without_content(event)
        self._file.write(json.dumps({**line, **kept}, ensure_ascii=False) + "\n")


def without_content(event: dict[str, Any]) -> dict[str, Any]:
    """Replace texts by as many bytes of `x`, and audio by its size: the model's limits are about sizes."""
    # Ends and malformed events have no body.
    body = event.get("event")
    if not isinstance(body, dict):
        return event
    # A Bedrock event has exactly one key.
    ((name, fields),) = body.items()
    if not isinstance(fields, dict) or "content" not in fields:
        return event
    size = len(str(fields["content"]).encode())
    if name in _TEXTS:
        fields = {**fields, "content": "x" * size}
    elif name in _AUDIO:
        fields = {**fields, "content": "", "base64_bytes": size}
    # Tool results may contain personal data, and their size does not matter.
    elif name == "toolResult":
        fields = {**fields, "content": "{}"}
    return {"event": {name: fields}}
