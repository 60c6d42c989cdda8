"""The reference agent for browsers: what Pipecat's documentation recommends for Nova Sonic over SmallWebRTC.

The agent of `stock`, with Pipecat's own peer-to-peer transport in place of Twilio's. The routes are those of Pipecat's
development runner, with which every published web client can connect.
"""

import asyncio
import os
import uuid
from typing import Any

import aioice.ice
import uvicorn
from fastapi import FastAPI
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.request_handler import SmallWebRTCRequest, SmallWebRTCRequestHandler
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport

from voice_agent.bench.stock import converse


def create_app() -> FastAPI:
    """Return the application."""
    app = FastAPI()
    handler = SmallWebRTCRequestHandler()
    visits: set[asyncio.Task[None]] = set()

    async def connected(connection: SmallWebRTCConnection) -> None:
        transport = SmallWebRTCTransport(connection, TransportParams(audio_in_enabled=True, audio_out_enabled=True))
        visit = asyncio.create_task(converse(transport))
        # The event loop itself keeps no reference.
        visits.add(visit)
        visit.add_done_callback(visits.discard)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/start")
    async def start() -> dict[str, str]:
        return {"sessionId": str(uuid.uuid4())}

    @app.post("/sessions/{session_id}/api/offer")
    async def offer(session_id: str, body: dict[str, Any]) -> dict[str, str] | None:
        del session_id
        return await handler.handle_web_request(SmallWebRTCRequest.from_dict(body), connected)

    return app


def main() -> None:
    """Serve on loopback, with the environment variables that the web agent also uses."""
    # A benchmark must not send traffic off this machine. aioice has no setting for it.
    aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]
    uvicorn.run(create_app(), host="127.0.0.1", port=int(os.environ["FAST_API_PORT"]), log_level="warning")


if __name__ == "__main__":
    main()
