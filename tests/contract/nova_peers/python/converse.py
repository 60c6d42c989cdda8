"""Hold the scripted conversation with the AWS SDK for Python and print every event as a JSON line.

This script uses neither the product's code nor the stand-in's. It runs in a separate process because the SDK reads
`SSL_CERT_FILE` once, at the first TLS context. The same script in JavaScript: `../node/converse.mjs`.
"""

import array
import asyncio
import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws_sdk_bedrock_runtime.client import AsyncBedrockRuntimeClient
from aws_sdk_bedrock_runtime.config import AsyncBedrockRuntimeConfig
from aws_sdk_bedrock_runtime.models import (
    BidirectionalInputPayloadPart,
    InvokeModelWithBidirectionalStreamInputChunk,
    InvokeModelWithBidirectionalStreamOperationInput,
)
from smithy_http.aio.crt import AWSCRTHTTPClient

RATE = 8000
CHUNK = 320
FORMAT = {
    "mediaType": "audio/lpcm",
    "sampleRateHertz": RATE,
    "sampleSizeBits": 16,
    "channelCount": 1,
    "encoding": "base64",
    "audioType": "SPEECH",
}
TEXT = {"mediaType": "text/plain"}
PATIENCE = 120.0
NOISE = array.array("h", [6000, -6000] * (RATE // 4)).tobytes()
SILENCE = bytes(CHUNK * 2)


def _report(name: str, body: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({name: body}) + "\n")
    sys.stdout.flush()


class Talk:
    """One stream, seen from the client."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - the SDK's stream is generic over generated types
        self._stream = stream
        self._changed = asyncio.Condition()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._unspoken = b""

    async def send(self, name: str, **body: object) -> None:
        """Send one event of the prompt."""
        text = json.dumps(
            {"event": {name: body if name in ("sessionStart", "sessionEnd") else {"promptName": "p", **body}}}
        )
        part = BidirectionalInputPayloadPart(bytes_=text.encode())
        await self._stream.input_stream.send(InvokeModelWithBidirectionalStreamInputChunk(value=part))

    async def text(self, content_name: str, role: str, content: str, *, interactive: bool) -> None:
        """Send a block of text."""
        await self.send(
            "contentStart",
            contentName=content_name,
            type="TEXT",
            role=role,
            interactive=interactive,
            textInputConfiguration=TEXT,
        )
        await self.send("textInput", contentName=content_name, content=content)
        await self.send("contentEnd", contentName=content_name)

    async def answer_tool(self, tool_use_id: str, result: dict[str, object]) -> None:
        """Send a tool's result."""
        configuration = {"toolUseId": tool_use_id, "type": "TEXT", "textInputConfiguration": TEXT}
        await self.send(
            "contentStart",
            contentName="result",
            type="TOOL",
            role="TOOL",
            interactive=False,
            toolResultInputConfiguration=configuration,
        )
        await self.send("toolResult", contentName="result", content=json.dumps(result))
        await self.send("contentEnd", contentName="result")

    async def microphone(self) -> None:
        """Send audio until cancelled: the queued speech, silence otherwise."""
        while True:
            spoken, self._unspoken = self._unspoken[: CHUNK * 2], self._unspoken[CHUNK * 2 :]
            await self.send("audioInput", contentName="line", content=base64.b64encode(spoken or SILENCE).decode())
            await asyncio.sleep(CHUNK / RATE)

    async def say(self, pcm: bytes) -> None:
        """Speak into the microphone, and wait for the end."""
        self._unspoken = pcm
        await asyncio.sleep(len(pcm) / 2 / RATE)

    async def listen(self) -> None:
        """Print and keep every event until the stream ends."""
        _, output = await self._stream.await_output()
        while (received := await output.receive()) is not None:
            ((name, body),) = json.loads(received.value.bytes_)["event"].items()
            if name == "audioOutput":
                body["content"] = len(base64.b64decode(body["content"]))
            _report(name, body)
            async with self._changed:
                self.events.append((name, body))
                self._changed.notify_all()

    async def until(
        self, name: str, fits: Callable[[dict[str, Any]], bool] = bool, *, count: int = 1
    ) -> dict[str, Any]:
        """Wait for the `count`th event of a kind."""

        def found() -> list[dict[str, Any]]:
            return [body for kind, body in self.events if kind == name and fits(body)]

        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: len(found()) >= count)
        return found()[count - 1]


async def client(url: str) -> AsyncBedrockRuntimeClient:
    """Return the SDK's client."""
    config = await AsyncBedrockRuntimeConfig.resolve(
        endpoint_uri=url,
        region="eu-north-1",
        aws_access_key_id="standin",
        aws_secret_access_key="standin-secret",
        transport=AWSCRTHTTPClient(),  # the default transport has no HTTP/2
    )
    return AsyncBedrockRuntimeClient(config=config)


async def open_session(talk: Talk) -> None:
    """Send everything up to the open audio content."""
    await talk.send("sessionStart", inferenceConfiguration={"maxTokens": 1024, "topP": 0.9, "temperature": 0.7})
    schema = json.dumps({"type": "object", "properties": {"location": {"type": "string"}}})
    tool = {"name": "get_current_weather", "description": "Weather now.", "inputSchema": {"json": schema}}
    await talk.send(
        "promptStart",
        textOutputConfiguration=TEXT,
        audioOutputConfiguration={**FORMAT, "voiceId": "amy"},
        toolUseOutputConfiguration={"mediaType": "application/json"},
        toolConfiguration={"tools": [{"toolSpec": tool}]},
    )
    await talk.text("system", "SYSTEM", "You are a friendly assistant.", interactive=False)
    await talk.send(
        "contentStart",
        contentName="line",
        type="AUDIO",
        role="USER",
        interactive=True,
        audioInputConfiguration=FORMAT,
    )


async def converse(talk: Talk) -> None:
    """Greet by text, ask a spoken question with a tool, and interrupt the reply."""
    await greet_and_ask(talk, NOISE)
    await talk.until("contentEnd", lambda body: body["type"] == "AUDIO", count=3)
    await talk.say(NOISE)
    await talk.until("contentEnd", lambda body: body["stopReason"] == "INTERRUPTED")
    await talk.until("usageEvent", count=3)


async def ask(talk: Talk, question: bytes) -> None:
    """Greet by text, ask a question in real speech with a tool, and hear the whole reply."""
    await greet_and_ask(talk, question)
    await talk.until("usageEvent", count=2)


async def greet_and_ask(talk: Talk, question: bytes) -> None:
    """Continue up to the tool's result."""
    await talk.text("hello", "USER", "hello", interactive=True)
    await talk.until("usageEvent")
    await talk.say(question)
    tool_use = await talk.until("toolUse")
    await talk.answer_tool(tool_use["toolUseId"], {"conditions": "clear", "temperature": 21, "format": "celsius"})


async def leave(talk: Talk) -> None:
    """End every content, prompt and session in order."""
    await talk.send("contentEnd", contentName="line")
    await talk.send("promptEnd")
    await talk.send("sessionEnd")


async def main(url: str, question: bytes | None) -> None:
    """Talk, and wait for the end of the stream; a question of 8 kHz samples replaces the script's noise."""
    operation = InvokeModelWithBidirectionalStreamOperationInput(model_id="amazon.nova-2-sonic-v1:0")
    stream = await (await client(url)).invoke_model_with_bidirectional_stream(operation)
    talk = Talk(stream)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(talk.listen())
        await open_session(talk)
        microphone = tasks.create_task(talk.microphone())
        await (ask(talk, question) if question else converse(talk))
        microphone.cancel()
        await leave(talk)
    await stream.close()
    _report("ended", {})


QUESTION = Path(sys.argv[2]).read_bytes() if len(sys.argv) > 2 else None
asyncio.run(asyncio.wait_for(main(sys.argv[1], QUESTION), 40))
