"""Run the Daily stand-in: ``python -m standins.daily --port 8447``."""

import argparse
import os
import sys

from standins.command import run, serve, write
from standins.daily.server import ABOUT, DEFAULT_KEY, DailySettings, DailyStandin


def main() -> int:
    """Serve until a signal; write one JSON line per event to stdout."""
    parser = argparse.ArgumentParser(prog="python -m standins.daily", description=ABOUT)
    parser.add_argument("--port", type=int, default=8447, help="0 selects a free port (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--api-key",
        default=os.environ.get("DAILY_API_KEY") or DEFAULT_KEY,
        help="the accepted API key (default: DAILY_API_KEY, or standin-daily-key)",
    )
    arguments = parser.parse_args()
    settings = DailySettings(arguments.api_key, port=arguments.port, host=arguments.host, log=write)
    return run(serve(DailyStandin(settings), lambda standin: {"url": standin.api_url, "about": ABOUT}), arguments.port)


if __name__ == "__main__":
    sys.exit(main())
