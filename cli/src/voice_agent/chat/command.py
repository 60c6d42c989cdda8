"""Hold a typed conversation in the terminal."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TextIO

from voice_agent.call.running import NothingRunsError, find_running
from voice_agent.chat.options import ChatRequest
from voice_agent.rehearse.visitor import Message, NotConnectedError, WebVisitor

_GREETING_SECONDS: Final = 15.0
_REPLY_SECONDS: Final = 30.0
"""Longest wait for a reply; a tool may take some of it."""
_SETTLE_SECONDS: Final = 1.5
"""Pause after which a reply is over: its sentences come one by one."""
_INTERRUPTED: Final = 130


def chat(request: ChatRequest) -> int:
    """Talk until an empty line, and return the exit code."""
    try:
        return asyncio.run(_chat(request, _typed, sys.stdout))
    except KeyboardInterrupt:
        return _INTERRUPTED


async def _typed() -> str:
    # In a thread: the conversation continues while no one types, and the agent may say goodbye meanwhile.
    typed: str = await asyncio.to_thread(sys.stdin.readline)
    return typed.strip()


async def _chat(request: ChatRequest, read: Callable[[], Awaitable[str]], out: TextIO) -> int:
    try:
        # The page's own address, so that the visit takes the way of a browser.
        url = request.url or (await find_running(Path.cwd())).base_url
        async with WebVisitor(url, request.agent) as visitor:
            await _talk(visitor, read, out)
    except (NothingRunsError, NotConnectedError) as error:
        print(f"voice-agent chat: {error}", file=sys.stderr)
        return 1
    return 0


async def _talk(visitor: WebVisitor, read: Callable[[], Awaitable[str]], out: TextIO) -> None:
    shown = 0
    # The agent speaks first; one that does not is still asked.
    await visitor.until(lambda: visitor.since("bot-transcription", 0.0), _GREETING_SECONDS)
    while True:
        shown = await _show(visitor, shown, out)
        # The agent said goodbye, or the service ended the conversation: there is nothing to type to.
        if visitor.ended:
            return
        if not (words := await read()):
            return
        visitor.type_text(words)
        count = shown
        await visitor.until(lambda start=count: _replies(visitor.messages[start:]), _REPLY_SECONDS)  # type: ignore[misc]


async def _show(visitor: WebVisitor, shown: int, out: TextIO) -> int:
    """Print what has arrived, until nothing more comes; return how many messages have been seen."""
    while True:
        for message in visitor.messages[shown:]:
            for line in _lines(message):
                print(line, file=out, flush=True)
        shown = len(visitor.messages)
        before = len(_replies(visitor.messages))
        more = await visitor.until(
            lambda count=before: len(_replies(visitor.messages)) > count,  # type: ignore[misc]
            _SETTLE_SECONDS,
        )
        if not more:
            return shown


def _replies(messages: list[Message]) -> list[Message]:
    return [message for message in messages if message.kind == "bot-transcription"]


def _lines(message: Message) -> list[str]:
    match message.kind:
        case "bot-transcription":
            return [f"agent: {message.data.get('text', '')}"]
        case "llm-function-call-in-progress" if message.data.get("function_name"):
            given = ", ".join(f"{key}={value}" for key, value in (message.data.get("arguments") or {}).items())
            return [f"       {message.data['function_name']}({given})"]
        case "server-message" if message.data.get("type") == "session-ended":
            return [f"       {message.data.get('message', '')}"]
    return []
