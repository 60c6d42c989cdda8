"""What every client in Python shares: a microphone that speaks, and a report of its events.

It imports nothing but the standard library, because each client runs in an isolated environment.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

RATE = 16_000
SAMPLES = 512
"""32 ms, the packet size that the model's documents recommend."""
PATIENCE = 60.0
"""Seconds for each step. Speech recognition runs real programs, which are slow on a busy machine."""
HEARD = 1.0
"""Seconds of received reply before the caller interrupts it: a finished reply cannot be interrupted."""
THANKS, WELCOME = "Thank you.", "You are welcome."
LAST_WORDS = "You can hang up now."
TOOL = "get_current_weather"
DESCRIPTION = "Get the weather of this moment in a place."
INSTRUCTIONS = "You are a friendly assistant on the telephone. Answer in one short sentence."
GREETING = "Greet the caller."
MODEL = "amazon.nova-2-sonic-v1:0"
REGION = "us-east-1"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "location": {"type": "string", "description": "City, and country where it matters."},
        "format": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["location", "format"],
}


class Story:
    """All events so far, in order. Each is a line of JSON on stdout, and wakes its waiters.

    Args:
        rate: sample rate of the replies.
    """

    def __init__(self, rate: int = RATE) -> None:
        self.events: list[dict[str, Any]] = []
        self._rate = rate
        self._changed = asyncio.Event()
        self._played_at = 0.0

    def add(self, event: str, **fields: object) -> None:
        """Record an event."""
        self.events.append({"event": event, **fields})
        sys.stdout.write(json.dumps(self.events[-1]) + "\n")
        sys.stdout.flush()
        self._changed.set()

    def audio(self, pcm: bytes) -> None:
        """Record audio, which arrives faster than it plays."""
        self.add("audio", bytes=len(pcm))
        self._played_at = max(self._played_at, time.monotonic()) + len(pcm) / 2 / self._rate

    def interrupted(self) -> None:
        """Record an interruption: the rest of the audio is not played."""
        self.add("interrupted")
        self._played_at = 0.0

    async def played(self) -> None:
        """Wait until all audio has played, and a moment longer: the model, too, allows for the network."""
        await asyncio.sleep(max(0.0, self._played_at - time.monotonic()) + 1.0)

    def answer(self, location: str, unit: str) -> dict[str, object]:
        """Record the tool call, and return the tool's result."""
        self.add("tool", location=location, format=unit)
        return {"location": location, "temperature": 21, "conditions": "partly_cloudy", "format": unit}

    def since(self, event: str) -> list[dict[str, Any]]:
        """Return the events after the last one of a kind, or all events."""
        places = [place for place, one in enumerate(self.events) if one["event"] == event]
        return self.events[places[-1] + 1 :] if places else list(self.events)

    def seconds_since(self, event: str) -> float:
        """Return the seconds of audio received after an event."""
        size: int = sum(one.get("bytes", 0) for one in self.since(event))
        return size / 2 / self._rate

    async def until(self, what: str, happened: Callable[[], object]) -> None:
        """Wait until the condition holds.

        Raises:
            TimeoutError: it does not within PATIENCE.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                while not happened():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as late:
            raise TimeoutError(f"waited in vain for {what}") from late


class Microphone:
    """Sends audio while it is open: the queued speech, and silence otherwise."""

    def __init__(self, send: Callable[[bytes], Awaitable[object]]) -> None:
        self._send = send
        self._unspoken = b""
        self._silent = asyncio.Event()
        self._opened = asyncio.Event()

    async def run(self) -> None:
        """Send a packet every 32 ms, as a sound card does; late packets follow at once."""
        due = time.monotonic()
        while True:
            size = SAMPLES * 2
            piece, self._unspoken = self._unspoken[:size], self._unspoken[size:]
            await self._send(piece.ljust(size, b"\0"))
            self._opened.set()
            if not self._unspoken:
                self._silent.set()
            due += SAMPLES / RATE
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def opened(self) -> None:
        """Wait for the first packet: the model answers text only after the audio content is open."""
        await self._opened.wait()

    def begin(self, pcm: bytes) -> None:
        """Start to speak."""
        self._silent.clear()
        self._unspoken = pcm

    async def say(self, pcm: bytes) -> None:
        """Speak, and wait for the end."""
        self.begin(pcm)
        await self._silent.wait()


def sentences() -> tuple[bytes, bytes]:
    """Return the question and its interruption: 16-bit samples at 16 kHz, from the named files."""
    question, objection = (Path(name).read_bytes() for name in sys.argv[1:3])
    return question, objection


type Typing = Callable[[str], Awaitable[object]]


async def hold(story: Story, microphone: Microphone, write: Typing, *, greeted: bool = True) -> None:
    """Hold the conversation of every client: a greeting, a question, an interruption; or thanks at the end.

    Args:
        story: Where the client records events.
        microphone: What speaks into the client.
        write: Makes the client send text that the model answers.
        greeted: Whether the text is the greeting, or thanks at the end.
    """
    question, objection = sentences()
    await microphone.opened()
    if greeted:
        await write(GREETING)
        await story.until("the greeting", lambda: _answered(story.events))
        await story.played()
    await microphone.say(question)
    await story.until("the tool", lambda: any(one["event"] == "tool" for one in story.events))
    await story.until("the answer", lambda: story.seconds_since("tool") >= HEARD)
    story.add("barge_in")
    microphone.begin(objection)
    await story.until("the interruption", lambda: any(one["event"] == "interrupted" for one in story.since("barge_in")))
    await story.until("the next answer", lambda: _answered(story.since("interrupted"), LAST_WORDS))
    await story.played()
    if not greeted:
        story.add("thanks")
        await write(THANKS)
        await story.until("the last answer", lambda: _answered(story.since("thanks"), WELCOME))
        await story.played()
    story.add("leaving")


def _answered(events: list[dict[str, Any]], words: str = "") -> bool:
    """Return whether the words, some audio and then its end arrived.

    Audio alone would not do: a pipeline may deliver a last packet of the old reply after it signals the interruption.
    """
    heard = [one["event"] for one in events if one["event"] in ("audio", "answer_ended")]
    said = not words or any(words in (one.get("text") or "") for one in events)
    return said and "audio" in heard and heard[-1] == "answer_ended"


def talk(conversation: Callable[[], Awaitable[object]], seconds: float = 300.0) -> None:
    """Run a client, with this timeout."""
    asyncio.run(_bounded(conversation, seconds))


async def _bounded(conversation: Callable[[], Awaitable[object]], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await conversation()
