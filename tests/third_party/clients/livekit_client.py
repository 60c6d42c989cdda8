"""LiveKit's agent with its plugin for Nova Sonic; our microphone and loudspeaker replace the room."""

import asyncio
import time

from caller import DESCRIPTION, INSTRUCTIONS, RATE, REGION, SCHEMA, TOOL, Microphone, Story, hold, talk
from livekit import rtc
from livekit.agents import (
    Agent,
    AgentSession,
    ChatMessage,
    CloseEvent,
    ConversationItemAddedEvent,
    ErrorEvent,
    function_tool,
)
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities
from livekit.plugins.aws.experimental.realtime import RealtimeModel

OUTPUT_RATE = 24_000
STORY = Story(OUTPUT_RATE)


class Weather(Agent):  # type: ignore[misc]  # its types are in LiveKit's environment
    """An agent with one tool."""

    def __init__(self) -> None:
        super().__init__(instructions=INSTRUCTIONS)

    # LiveKit's schema of a typed function contains `title`, which AWS's documents do not allow.
    @function_tool(raw_schema={"name": TOOL, "description": DESCRIPTION, "parameters": SCHEMA})  # type: ignore[untyped-decorator]
    async def weather(self, raw_arguments: dict[str, str]) -> dict[str, object]:
        """Answer for any place."""
        return STORY.answer(raw_arguments["location"], raw_arguments["format"])


class Line(AudioInput):  # type: ignore[misc]  # its types are in LiveKit's environment
    """The microphone as LiveKit reads it."""

    def __init__(self) -> None:
        super().__init__(label="microphone")
        self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()

    async def speak(self, pcm: bytes) -> None:
        """Queue a packet of audio."""
        await self._frames.put(rtc.AudioFrame(pcm, RATE, 1, len(pcm) // 2))

    async def __anext__(self) -> rtc.AudioFrame:
        """Return a packet of audio."""
        return await self._frames.get()


class Loudspeaker(AudioOutput):  # type: ignore[misc]  # its types are in LiveKit's environment
    """Plays in real time and reports its progress, as LiveKit requires of a sink."""

    def __init__(self) -> None:
        super().__init__(
            label="loudspeaker", capabilities=AudioOutputCapabilities(pause=False), sample_rate=OUTPUT_RATE
        )
        self._started = 0.0
        self._seconds = 0.0
        self._playing: asyncio.Task[None] | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Receive a frame of a reply."""
        await super().capture_frame(frame)
        if self._seconds == 0.0:
            self._started = time.monotonic()
            self.on_playback_started(created_at=time.time())
        self._seconds += frame.duration
        STORY.audio(bytes(frame.data))

    def flush(self) -> None:
        """Play the rest: the reply is complete."""
        super().flush()
        if self._seconds and self._playing is None:
            STORY.add("answer_ended")
            self._playing = asyncio.create_task(self._play())

    def clear_buffer(self) -> None:
        """Stop playback, which LiveKit calls when the caller interrupts."""
        if self._seconds:
            STORY.interrupted()
            if self._playing is not None:
                self._playing.cancel()
            self._stop(interrupted=True)

    async def _play(self) -> None:
        await asyncio.sleep(max(0.0, self._started + self._seconds - time.monotonic()))
        self._stop(interrupted=False)

    def _stop(self, *, interrupted: bool) -> None:
        position = min(self._seconds, time.monotonic() - self._started)
        self._playing, self._seconds = None, 0.0
        self.on_playback_finished(playback_position=position, interrupted=interrupted)


async def main() -> None:
    """Talk, and close the session as an application does."""
    line = Line()
    session: AgentSession[None] = AgentSession(
        llm=RealtimeModel(region=REGION, voice="matthew"),
        aec_warmup_duration=None,  # no echo here; by default LiveKit ignores the caller in an agent's first 3 s
    )
    session.on("error", _failed)
    session.on("close", _closed)
    session.on("conversation_item_added", _added)
    session.input.audio = line
    session.output.audio = Loudspeaker()
    await session.start(Weather())
    microphone = Microphone(line.speak)
    async with asyncio.TaskGroup() as tasks:
        speaking = tasks.create_task(microphone.run())
        # LiveKit would send a greeting as soon as the stream is open, perhaps before the audio content, which AWS's
        # documents do not allow; LiveKit does not report when the audio content is open.
        await hold(STORY, microphone, lambda text: _write(session, text), greeted=False)
        speaking.cancel()
    await session.aclose()
    STORY.add("ended")


async def _write(session: AgentSession[None], text: str) -> None:
    session.generate_reply(instructions=text)


def _added(event: ConversationItemAddedEvent) -> None:
    if isinstance(event.item, ChatMessage):
        STORY.add("text", role=event.item.role.upper(), text=event.item.text_content, cut=event.item.interrupted)


def _failed(event: ErrorEvent) -> None:
    STORY.add("error", text=str(event.error))


def _closed(event: CloseEvent) -> None:
    STORY.add("closed", reason=str(event.reason))


if __name__ == "__main__":
    talk(main)
