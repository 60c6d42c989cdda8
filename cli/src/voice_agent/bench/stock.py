"""The reference agent: what Pipecat's documentation recommends for Nova Sonic over Twilio, and nothing more.

FastAPI WebSocket transport, Twilio serializer, Pipecat's own Nova Sonic service with its default rates (16 kHz in, 24
kHz out), context aggregators without a local VAD, metrics on. Two things differ from a deployment: `create_client` is
overridden for the endpoint, and the agent does not hang up through Twilio's REST API, which this benchmark lacks.
`stock_web` is the same agent for browsers.
"""

import os
from typing import Any, Final

import uvicorn
from aws_sdk_bedrock_runtime.client import BedrockRuntimeClient
from aws_sdk_bedrock_runtime.config import Config
from fastapi import FastAPI, Response, WebSocket
from pipecat.adapters.schemas.function_schema import FunctionSchema
from pipecat.adapters.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.aws.nova_sonic.llm import AWSNovaSonicLLMService
from pipecat.services.llm_service import FunctionCallParams
from pipecat.transports.base_transport import BaseTransport
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner
from smithy_aws_core.auth.sigv4 import SigV4AuthScheme
from smithy_aws_core.identity.static import StaticCredentialsResolver
from smithy_core.shapes import ShapeID

_TWIML: Final = '<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url="{url}"/></Connect></Response>'
_INSTRUCTION: Final = "You are a friendly assistant on the telephone. Answer in two or three short sentences."
_WEATHER: Final = FunctionSchema(
    name="get_current_weather",
    description="Get the weather at a place",
    properties={
        "location": {"type": "string", "description": "City"},
        "format": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    required=["location", "format"],
)


class StockService(AWSNovaSonicLLMService):
    """Pipecat's service, pointed at another endpoint."""

    def create_client(self) -> BedrockRuntimeClient:
        """Return a client like the service's own, with another endpoint."""
        config = Config(
            endpoint_uri=os.environ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"],
            region=os.environ["AWS_REGION"],
            aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
            aws_credentials_identity_resolver=StaticCredentialsResolver(),
            auth_schemes={ShapeID("aws.auth#sigv4"): SigV4AuthScheme(service="bedrock")},
        )
        return BedrockRuntimeClient(config=config)


async def weather(call: FunctionCallParams) -> None:
    """Return a constant, as Pipecat's example does."""
    await call.result_callback({"conditions": "nice", "temperature": 20, "format": call.arguments["format"]})


def make_service() -> StockService:
    """Return the speech service of one call."""
    service = StockService(
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        region=os.environ["AWS_REGION"],
        settings=AWSNovaSonicLLMService.Settings(
            model="amazon.nova-2-sonic-v1:0", voice="tiffany", system_instruction=_INSTRUCTION
        ),
    )
    service.register_function("get_current_weather", weather)
    return service


async def hold_call(socket: WebSocket) -> None:
    """Run one call on an accepted WebSocket."""
    _, call = await parse_telephony_websocket(socket)
    serializer = TwilioFrameSerializer(
        stream_sid=call["stream_id"],
        call_sid=call["call_id"],
        params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
    )
    await converse(
        FastAPIWebsocketTransport(
            websocket=socket,
            params=FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=serializer),
        )
    )


async def converse(transport: BaseTransport) -> None:
    """Run one conversation until its client disconnects."""
    context = LLMContext(tools=ToolsSchema(standard_tools=[_WEATHER]))
    pair = LLMContextAggregatorPair(context, realtime_service_mode=True)
    worker = PipelineWorker(
        Pipeline([transport.input(), pair.user(), make_service(), transport.output(), pair.assistant()]),
        params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
    )

    async def greet(_transport: Any, _client: Any) -> None:  # noqa: ANN401 - untyped in Pipecat
        context.add_message({"role": "developer", "content": "Please introduce yourself to the caller."})
        await worker.queue_frames([LLMRunFrame()])

    async def leave(_transport: Any, _client: Any) -> None:  # noqa: ANN401 - untyped in Pipecat
        await worker.cancel()

    transport.add_event_handler("on_client_connected", greet)
    transport.add_event_handler("on_client_disconnected", leave)
    # uvicorn handles SIGINT for the whole process.
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def create_app(stream_url: str) -> FastAPI:
    """Return the application; `stream_url` is the URL for Twilio's media stream."""
    app = FastAPI()

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/incoming-call")
    async def incoming_call() -> Response:
        return Response(_TWIML.format(url=stream_url), media_type="application/xml")

    @app.websocket("/ws")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await hold_call(socket)

    return app


def main() -> None:
    """Serve on loopback, with the environment variables that the phone agent also uses."""
    port = int(os.environ["FAST_API_PORT"])
    uvicorn.run(create_app(f"ws://127.0.0.1:{port}/ws"), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
