"""Run the pretend Daily: ``python -m standins.daily --port 8447``."""

import argparse
import asyncio
import json
import os
import signal
import sys

from standins.daily.server import ABOUT, DEFAULT_KEY, DailyStandin, Settings


def main() -> int:
    """Serve until told to stop; one JSON line for each event goes to stdout."""
    parser = argparse.ArgumentParser(prog="python -m standins.daily", description=ABOUT)
    parser.add_argument("--port", type=int, default=8447, help="0 chooses a free one (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--api-key",
        default=os.environ.get("DAILY_API_KEY") or DEFAULT_KEY,
        help="the key it takes (default: DAILY_API_KEY, or standin-daily-key)",
    )
    arguments = parser.parse_args()
    try:
        settings = Settings(arguments.api_key, port=arguments.port, host=arguments.host, log=_write)
        asyncio.run(_serve(settings))
    except OSError as error:
        _write({"event": "cannot_listen", "port": arguments.port, "reason": str(error)})
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with DailyStandin(settings) as standin:
        _write({"event": "listening", "url": standin.api_url, "about": ABOUT})
        await stop.wait()
    _write({"event": "stopped"})


def _write(event: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
