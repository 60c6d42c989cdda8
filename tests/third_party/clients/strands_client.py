"""A bidirectional agent of Strands with its model for Nova Sonic."""

import asyncio
import base64
from contextlib import aclosing
from typing import Any

from caller import DESCRIPTION, INSTRUCTIONS, REGION, TOOL, Microphone, Story, hold, talk
from strands import tool
from strands.bidi.agent import BidiAgent
from strands.bidi.models import BedrockNovaSonicModel
from strands.bidi.types.media import AudioDelta

STORY = Story()


@tool(name=TOOL, description=DESCRIPTION)  # type: ignore[untyped-decorator]  # its types are in Strands' environment
def weather(location: str, format: str) -> dict[str, Any]:  # noqa: A002 - the tool's own argument
    """Answer for any place.

    Args:
        location: City, and country where it matters.
        format: celsius or fahrenheit.
    """
    return {"status": "success", "content": [{"json": STORY.answer(location, format)}]}


async def listen(agent: BidiAgent) -> None:
    """Record what the agent sends its outputs."""
    async with aclosing(agent.receive()) as events:
        async for event in events:
            take(event)
    STORY.add("stream_ended")


def take(event: Any) -> None:  # noqa: ANN401 - a dictionary, or one of many classes
    """Record one event."""
    match event.get("type") if isinstance(event, dict) else type(event).__name__:
        case "bidi_audio_delta":
            STORY.audio(base64.b64decode(event["audio"]))
        case "bidi_audio_stop":
            STORY.add("answer_ended")
        case "bidi_barge_in":
            STORY.interrupted()
        case "bidi_transcript_block":
            STORY.add("text", role=event["role"].upper(), text=event["transcript"])
        case "bidi_connection_restart":
            STORY.add("error", text=str(event))


async def main() -> None:
    """Talk, and leave the agent's context as an application does."""
    model = BedrockNovaSonicModel(model_id="amazon.nova-2-5-sonic", region=REGION)
    agent = BidiAgent(model=model, tools=[weather], system_prompt=INSTRUCTIONS)

    async def speak(pcm: bytes) -> None:
        await agent.send(AudioDelta(format="pcm", source={"bytes": pcm}))

    microphone = Microphone(speak)
    async with agent, asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(listen(agent))
        speaking = tasks.create_task(microphone.run())
        await hold(STORY, microphone, agent.send)
        speaking.cancel()
        listening.cancel()
    STORY.add("ended")


if __name__ == "__main__":
    talk(main)
