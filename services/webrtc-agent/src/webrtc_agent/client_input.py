"""Process what a visitor sends during a conversation: audio in packets, messages within bounds."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog

from agent_core.conversation.session import Session
from agent_core.events import EndReason
from agent_core.token_bucket import TokenBucket
from webrtc_agent.messages import (
    Drop,
    Leave,
    MessageGuard,
    Pass,
    Press,
    Refuse,
    SetAudio,
    audio_response,
    error_response,
)
from webrtc_agent.rates import INPUT_RATE

log = structlog.get_logger()

PACKET_BYTES = INPUT_RATE * 2 * 40 // 1000
"""Audio for the model is sent in packets of 40 ms: half as many to sign and send as arrive."""
BYTES_PER_SECOND = INPUT_RATE * 2
HELD_BACK_SECONDS = 6.0
"""Longest audio that a network may hold back and deliver at once."""
PACE = 1.05
"""Slightly faster than real time, for a visitor's fast clock. Audio costs money however fast it arrives."""
READY_SECONDS = 10.0
"""Longest wait for the pipeline to accept messages; it takes milliseconds."""


class ClientInput:
    """Processes what one visitor sends. The transport needs it before the session exists, so that is set later.

    Args:
        reply: Sends the visitor's client a message; must not block.
    """

    session: Session

    def __init__(self, reply: Callable[[dict[str, Any]], None]) -> None:
        self._reply = reply
        self._guard = MessageGuard(time.monotonic, lambda: self.session.stats.agent_turns)
        self._pace = TokenBucket(time.monotonic, HELD_BACK_SECONDS * BYTES_PER_SECOND, PACE * BYTES_PER_SECOND)
        self._sound = bytearray()
        self.on_leave: Callable[[], None] = lambda: None
        """Called when the visitor ends the conversation, before it ends."""
        self.text_only = False
        """Whether the visitor only reads: the transport then sends silence instead of the agent's audio."""

    def hear(self, pcm: bytes) -> None:
        """Add audio, 16-bit PCM at ``INPUT_RATE``; drop what arrives faster than real time."""
        if not self._pace.spend(len(pcm)):
            return
        self._sound += pcm
        if len(self._sound) >= PACKET_BYTES:
            self.session.hear(bytes(self._sound))
            self._sound.clear()

    async def accept_message(self, message: Any) -> bool:  # noqa: ANN401 - JSON
        """Handle one message; return whether it enters the pipeline."""
        match self._guard.judge(message):
            case Leave():
                # First, because the end of the session decides whether the visitor may return.
                self.on_leave()
                self.session.end(EndReason.CALLER_HUNG_UP)
            case Press(digits):
                for digit in digits:
                    self.session.press(digit)
            case SetAudio(enabled) as switch:
                self.text_only = not enabled
                self._reply(audio_response(message["id"], switch))
            case Drop(reason):
                self._ignore(reason)
            case Refuse(reason) as refusal:
                self._ignore(reason)
                self._reply(error_response(refusal, self.session.sentences))
            case Pass(kind):
                return await self._pass(kind)
        return False

    def _ignore(self, reason: str) -> None:
        self.session.stats.ignored_messages += 1
        log.debug("message_dropped", reason=reason)

    async def _pass(self, kind: str) -> bool:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self.session.ready.wait()
        except TimeoutError:
            return False
        if kind == "client-ready":
            self.session.greet()
        return True
