"""Run the booking desk: ``python -m standins.booking_desk --port 8449``."""

import argparse
import os
import sys

from standins.booking_desk.server import ABOUT, BookingDesk, DeskSettings
from standins.command import run, serve, write


def main() -> int:
    """Serve until a signal; write one JSON line per event to stdout."""
    parser = argparse.ArgumentParser(prog="python -m standins.booking_desk", description=ABOUT)
    parser.add_argument("--port", type=int, default=8449, help="0 selects a free port (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--sessions", action="store_true", help="speak the protocol's older form, with sessions")
    arguments = parser.parse_args()
    # From the environment, because other programs can read the arguments of a process.
    token = os.environ.get("BOOKING_DESK_TOKEN", "")
    settings = DeskSettings(arguments.port, arguments.host, write, token, arguments.sessions)
    return run(serve(BookingDesk(settings), lambda desk: {"url": desk.mcp_url, "about": ABOUT}), arguments.port)


if __name__ == "__main__":
    sys.exit(main())
