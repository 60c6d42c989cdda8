"""The stand-in with its ears, its voice and its small talk: a spoken question gets a spoken answer."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import pytest

from standins.nova.server import NovaSettings, NovaStandin
from standins.nova.speech import speech_brain
from standins.speech.voice import Voice
from tests.contract.nova_peers.client import TEXT, WEATHER, Connection, Stream

TICK = 0.04
RATE = 8000


@pytest.fixture
async def nova() -> AsyncIterator[NovaStandin]:
    """Run a stand-in that hears and speaks."""
    async with NovaStandin(NovaSettings(credentials=None), speech_brain()) as standin:
        yield standin


@pytest.fixture
async def questions() -> AsyncIterator[Voice]:
    """Give a caller's voice."""
    voice = Voice()
    yield voice
    await voice.aclose()


async def speak(stream: Stream, pcm: bytes) -> None:
    """Send sound in real time, with silence after it until cancelled."""
    size = int(RATE * TICK) * 2
    pieces = [pcm[at : at + size] for at in range(0, len(pcm), size)]
    for number in range(1_000_000):
        piece = pieces[number] if number < len(pieces) else bytes(size)
        stream.send("audioInput", contentName="line", content=base64.b64encode(piece).decode())
        await asyncio.sleep(TICK)


async def test_a_spoken_question_uses_the_tool_and_its_answer_is_spoken(nova: NovaStandin, questions: Voice) -> None:
    """The city is heard, the temperature is said, and the sound is as long as such a sentence."""
    schema = {"type": "object", "properties": {"location": {"type": "string"}, "format": {"type": "string"}}}
    tool = {"toolSpec": {**WEATHER["toolSpec"], "inputSchema": {"json": json.dumps(schema)}}}
    async with Connection.to(nova.h2c_port) as connection:
        stream = connection.open()
        stream.greet("Hello.", textOutputConfiguration=TEXT, toolConfiguration={"tools": [tool]})
        await stream.until("usageEvent")
        question = await questions.speak("What is the weather in Stockholm?", RATE)
        caller = asyncio.create_task(speak(stream, question))
        use = await stream.until("toolUse")
        assert json.loads(use["content"]) == {"location": "Stockholm", "format": "celsius"}
        result = {"conditions": "clear", "temperature": 21, "format": "celsius", "timestamp": "20261123_120000"}
        stream.answer_tool(use["toolUseId"], json.dumps(result))
        planned = await stream.until("textOutput")
        assert "21" in planned["content"] or "twenty-one" in planned["content"]
        await stream.until("usageEvent")
        caller.cancel()
    (record,) = nova.ledger.sessions.values()
    assert "stockholm" in record.heard[-1].text.lower()
    assert record.audio_seconds_out > 2
