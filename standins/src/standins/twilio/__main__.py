"""`python -m standins.twilio`: run the Twilio stand-in."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence

from standins.command import run
from standins.twilio.call_server import BANNER
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import DialScript, ExchangeSettings
from standins.twilio.voice import open_voice


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal; the exit code is 1 if the stand-in cannot start."""
    settings = read(arguments)
    return run(_serve(settings), settings.port)


def read(arguments: Sequence[str] | None = None) -> ExchangeSettings:
    """Parse the settings; defaults come from Twilio's own environment variables."""
    parser = argparse.ArgumentParser(prog="python -m standins.twilio", description=BANNER)
    defaults = ExchangeSettings()
    env = os.environ
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8445)
    parser.add_argument("--account-sid", default=env.get("TWILIO_ACCOUNT_SID") or defaults.account_sid)
    parser.add_argument("--auth-token", default=env.get("TWILIO_AUTH_TOKEN") or defaults.auth_token)
    parser.add_argument("--shared-key", default="", help="id:secret to sign with instead of the token")
    parser.add_argument("--api-key-sid", default=env.get("TWILIO_API_SID") or defaults.api_key_sid)
    parser.add_argument("--api-key-secret", default=env.get("TWILIO_API_SECRET") or defaults.api_key_secret)
    parser.add_argument("--fallback-url", default="", help="fallback URL, requested if the webhook fails")
    parser.add_argument("--status-callback-url", default="", help="URL that is notified when a call has ended")
    parser.add_argument(
        "--dial-result", default="completed", choices=["completed", "busy", "no-answer", "failed", "canceled"]
    )
    given = vars(parser.parse_args(arguments))
    return ExchangeSettings(dial=DialScript(given.pop("dial_result")), **given)


async def _serve(settings: ExchangeSettings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with open_voice(started=True) as speak, TwilioExchange(settings, speak=speak, log=_log) as exchange:
        _log({"event": "standin_started", "what": BANNER, "url": exchange.url, "voice": speak is not None})
        await stopped.wait()
    _log({"event": "standin_stopped"})


def _log(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
