"""A Pipecat pipeline around its own service for Nova Sonic, between our microphone and our listener."""

import asyncio
import os

from caller import DESCRIPTION, INSTRUCTIONS, RATE, REGION, SCHEMA, TOOL, Microphone, Story, hold, talk
from pipecat.adapters.schemas.function_schema import FunctionSchema
from pipecat.adapters.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMRunFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.aws.nova_sonic.llm import AWSNovaSonicLLMService
from pipecat.services.llm_service import FunctionCallParams
from pipecat.workers.runner import WorkerRunner

OUTPUT_RATE = 24_000
STORY = Story(OUTPUT_RATE)
WEATHER = FunctionSchema(
    name=TOOL, description=DESCRIPTION, properties=SCHEMA["properties"], required=SCHEMA["required"]
)


class Ear(FrameProcessor):
    """Records what a transport would act on, upstream of the service or downstream of it."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Record a frame, and pass it on."""
        await super().process_frame(frame, direction)
        match frame:
            case TTSAudioRawFrame():
                STORY.audio(frame.audio)
            case TTSStoppedFrame():
                STORY.add("answer_ended")
            case InterruptionFrame() if direction is FrameDirection.DOWNSTREAM:
                STORY.interrupted()
            case TranscriptionFrame():
                STORY.add("text", role="USER", text=frame.text)
            case TTSTextFrame():
                STORY.add("text", role="ASSISTANT", text=frame.text)
            case ErrorFrame():
                STORY.add("error", text=frame.error)
        await self.push_frame(frame, direction)


async def weather(call: FunctionCallParams) -> None:
    """Answer for any place."""
    await call.result_callback(STORY.answer(call.arguments["location"], call.arguments["format"]))


async def main() -> None:
    """Talk, and end the pipeline as an application does."""
    service = AWSNovaSonicLLMService(
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        region=REGION,
        settings=AWSNovaSonicLLMService.Settings(voice="matthew", system_instruction=INSTRUCTIONS),
    )
    service.register_function(TOOL, weather)
    context = LLMContext(tools=ToolsSchema(standard_tools=[WEATHER]))
    pair = LLMContextAggregatorPair(context, realtime_service_mode=True)
    worker = PipelineWorker(
        Pipeline([Ear(), pair.user(), service, Ear(), pair.assistant()]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=OUTPUT_RATE),
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)

    async def speak(pcm: bytes) -> None:
        await worker.queue_frame(InputAudioRawFrame(pcm, RATE, 1))

    async def write(text: str) -> None:
        context.add_message({"role": "user", "content": text})
        await worker.queue_frame(LLMRunFrame())

    microphone = Microphone(speak)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(runner.run())
        speaking = tasks.create_task(microphone.run())
        await hold(STORY, microphone, write)
        speaking.cancel()
        await worker.queue_frame(EndFrame())
    STORY.add("ended")


if __name__ == "__main__":
    talk(main)
