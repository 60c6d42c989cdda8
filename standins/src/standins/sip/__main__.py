"""`python -m standins.sip`: run a SIP phone that answers calls."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from typing import get_args

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from standins.command import run
from standins.serving import serving
from standins.sip.sip_phone import Behaviour, IncomingCall, PersonScript, SipPhone
from standins.speech.voice import NoVoiceError, VoiceService
from standins.twilio import mulaw

WORDS = "Hello, this is a person. How can I help you?"


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer calls until a signal; the exit code is 1 if the phone cannot start."""
    parser = argparse.ArgumentParser(prog="python -m standins.sip", description=__doc__)
    parser.add_argument("--port", type=int, default=8448, help="SIP over UDP; the same TCP port serves /health")
    parser.add_argument("--behaviour", default="answers", choices=get_args(Behaviour.__value__))
    parser.add_argument("--words", default=WORDS)
    parser.add_argument("--presses", default="1", help="DTMF keys to press after the first words of the other side")
    parser.add_argument("--verbose", action="store_true", help="log what the phone's display shows")
    given = parser.parse_args(arguments)
    return run(_serve(given), given.port)


async def _serve(given: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    script = PersonScript(given.behaviour, ring_seconds=1.0, words=await _spoken(given.words), presses=given.presses)

    def tell(event: str, taken: IncomingCall) -> None:
        _tell(event, taken, verbose=given.verbose)

    async with SipPhone(script, port=given.port, tcp=False, tell=tell) as person, _health(given.port):
        _log({"event": "standin_started", "what": "a person on a SIP telephone", "address": person.address})
        await stopped.wait()
    _log({"event": "standin_stopped"})


async def _spoken(words: str) -> bytes:
    voice = VoiceService()
    try:
        await voice.start()
        return mulaw.encode(await voice.speak(words, mulaw.RATE))
    except NoVoiceError:
        # Without a voice the person stays silent, and everything else works.
        return b""
    finally:
        await voice.aclose()


@contextlib.asynccontextmanager
async def _health(port: int) -> AsyncIterator[None]:
    async def answer(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async with serving(Starlette(routes=[Route("/health", answer)]), host="127.0.0.1", port=port):
        yield


def _tell(event: str, taken: IncomingCall, *, verbose: bool) -> None:
    """Log an event. The display shows a caller's words, so they are logged only with --verbose."""
    fields: dict[str, object] = {"event": f"person_{event}"}
    if event == "invited":
        # The display contains a summary of the conversation, so by default only its length is logged.
        display = taken.headers.get("x-call-summary", "")
        fields |= {"display": display} if verbose else {"display_characters": len(display)}
    if event == "over":
        fields["outcome"] = taken.outcome
    _log(fields)


def _log(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
