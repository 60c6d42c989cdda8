"""The AWS SDK for Python as its documents show it: endpoint and keys come from the environment."""

import asyncio
import base64
import json
import uuid
from typing import Any

from aws_sdk_bedrock_runtime.client import AsyncBedrockRuntimeClient
from aws_sdk_bedrock_runtime.config import AsyncBedrockRuntimeConfig
from aws_sdk_bedrock_runtime.models import (
    BidirectionalInputPayloadPart,
    InvokeModelWithBidirectionalStreamInputChunk,
    InvokeModelWithBidirectionalStreamOperationInput,
)
from caller import DESCRIPTION, INSTRUCTIONS, MODEL, RATE, SCHEMA, TOOL, Microphone, Story, hold, talk
from smithy_aws_core.identity import EnvironmentCredentialsResolver
from smithy_http.aio.crt import AWSCRTHTTPClient

TEXT = {"mediaType": "text/plain"}
PROMPT, LINE = "prompt", "line"


class Session:
    """One stream, seen from the client."""

    def __init__(self, stream: Any, story: Story) -> None:  # noqa: ANN401 - generic over generated types
        self._stream = stream
        self._story = story
        self._blocks: dict[str, str] = {}

    async def send(self, name: str, **body: object) -> None:
        """Send one event."""
        event = {"event": {name: body if name.startswith("session") else {"promptName": PROMPT, **body}}}
        part = BidirectionalInputPayloadPart(bytes_=json.dumps(event).encode())
        await self._stream.input_stream.send(InvokeModelWithBidirectionalStreamInputChunk(value=part))

    async def text(self, role: str, content: str, *, interactive: bool) -> None:
        """Send a block of text."""
        name = str(uuid.uuid4())
        await self.send(
            "contentStart",
            contentName=name,
            type="TEXT",
            role=role,
            interactive=interactive,
            textInputConfiguration=TEXT,
        )
        await self.send("textInput", contentName=name, content=content)
        await self.send("contentEnd", contentName=name)

    async def open(self) -> None:
        """Send everything up to the open audio content."""
        await self.send("sessionStart", inferenceConfiguration={"maxTokens": 1024, "topP": 0.9, "temperature": 0.7})
        tool = {"name": TOOL, "description": DESCRIPTION, "inputSchema": {"json": json.dumps(SCHEMA)}}
        await self.send(
            "promptStart",
            textOutputConfiguration=TEXT,
            audioOutputConfiguration=_pcm() | {"voiceId": "matthew"},
            toolUseOutputConfiguration={"mediaType": "application/json"},
            toolConfiguration={"tools": [{"toolSpec": tool}]},
        )
        await self.text("SYSTEM", INSTRUCTIONS, interactive=False)
        await self.send(
            "contentStart",
            contentName=LINE,
            type="AUDIO",
            role="USER",
            interactive=True,
            audioInputConfiguration=_pcm(),
        )

    async def write(self, text: str) -> None:
        """Send text for the model to answer."""
        await self.text("USER", text, interactive=True)

    async def speak(self, pcm: bytes) -> None:
        """Send a packet of audio."""
        await self.send("audioInput", contentName=LINE, content=base64.b64encode(pcm).decode())

    async def listen(self) -> None:
        """Record each event until the stream ends."""
        _, output = await self._stream.await_output()
        while (received := await output.receive()) is not None:
            ((name, body),) = json.loads(received.value.bytes_)["event"].items()
            await self._take(name, body)
        self._story.add("stream_ended")

    async def _take(self, name: str, body: dict[str, Any]) -> None:
        match name:
            case "audioOutput":
                self._story.audio(base64.b64decode(body["content"]))
            case "textOutput":
                self._story.add("text", role=body["role"], text=body["content"])
            case "toolUse":
                await self._answer(body["toolUseId"], json.loads(body["content"]))
            case "contentEnd" if body["stopReason"] == "INTERRUPTED":
                self._story.interrupted()
            case "contentEnd" if (body["type"], body["stopReason"]) == ("AUDIO", "END_TURN"):
                self._story.add("answer_ended")

    async def _answer(self, tool_use_id: str, arguments: dict[str, str]) -> None:
        name = str(uuid.uuid4())
        configuration = {"toolUseId": tool_use_id, "type": "TEXT", "textInputConfiguration": TEXT}
        result = self._story.answer(arguments["location"], arguments["format"])
        await self.send(
            "contentStart",
            contentName=name,
            type="TOOL",
            role="TOOL",
            interactive=False,
            toolResultInputConfiguration=configuration,
        )
        await self.send("toolResult", contentName=name, content=json.dumps(result))
        await self.send("contentEnd", contentName=name)

    async def close(self) -> None:
        """End every content, prompt and session in order."""
        await self.send("contentEnd", contentName=LINE)
        await self.send("promptEnd")
        await self.send("sessionEnd")


def _pcm() -> dict[str, object]:
    return {
        "mediaType": "audio/lpcm",
        "sampleRateHertz": RATE,
        "sampleSizeBits": 16,
        "channelCount": 1,
        "encoding": "base64",
        "audioType": "SPEECH",
    }


async def main() -> None:
    """Talk, leave in order, and wait for the end of the stream."""
    story = Story()
    config = await AsyncBedrockRuntimeConfig.resolve(
        aws_credentials_identity_resolver=EnvironmentCredentialsResolver(),  # type: ignore[no-untyped-call]
        transport=AWSCRTHTTPClient(),  # the default transport has no HTTP/2
    )
    operation = InvokeModelWithBidirectionalStreamOperationInput(model_id=MODEL)
    stream = await AsyncBedrockRuntimeClient(config=config).invoke_model_with_bidirectional_stream(operation)
    session = Session(stream, story)
    microphone = Microphone(session.speak)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session.listen())
        await session.open()
        speaking = tasks.create_task(microphone.run())
        await hold(story, microphone, session.write)
        speaking.cancel()
        await session.close()
    await stream.close()
    story.add("ended")


if __name__ == "__main__":
    talk(main)
