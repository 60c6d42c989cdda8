"""The stand-in with speech recognition, speech synthesis and its language model, called by AWS's SDK."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from standins.nova.server import NovaSettings, NovaStandin
from standins.nova.speech import speech_backend
from standins.speech.voice import VoiceService

PEER = Path(__file__).parents[1] / "contract" / "nova_peers" / "python" / "converse.py"
RATE = 8000
DEADLINE = 240.0


async def question_file(folder: Path) -> Path:
    """Return a recording of the question."""
    voice = VoiceService()
    try:
        file = folder / "question.pcm"
        file.write_bytes(await voice.speak("What is the weather in Stockholm?", RATE))
    finally:
        await voice.aclose()
    return file


@pytest.mark.thorough
async def test_the_sdk_for_python_asks_in_speech_and_is_answered_in_speech(tmp_path: Path) -> None:
    """AWS's SDK alone gets a greeting, asks, serves the tool and hears a reply with the tool's number."""
    question = await question_file(tmp_path)
    async with NovaStandin(NovaSettings(), speech_backend()) as nova:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(PEER),
            nova.url,
            str(question),
            env=os.environ | {"SSL_CERT_FILE": str(nova.trust.bundle_file)},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await asyncio.wait_for(process.communicate(), DEADLINE)
    events = [next(iter(json.loads(line).items())) for line in output.decode().splitlines()]
    assert events[-1][0] == "ended"
    (use,) = [json.loads(body["content"]) for name, body in events if name == "toolUse"]
    assert use["location"] == "Stockholm"
    (record,) = nova.ledger.sessions.values()
    assert record.end_reason == "session_end"
    assert "stockholm" in record.heard[-1].text.lower()
    assert "21" in record.said[-1].text or "twenty-one" in record.said[-1].text
    assert record.audio_seconds_out > len(record.said)
