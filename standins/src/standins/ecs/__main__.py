"""Run the ECS agent stand-in: ``python -m standins.ecs --port 8448``."""

import argparse
import sys

from standins.command import run, serve, write
from standins.ecs.server import ABOUT, EcsSettings, EcsStandin


def main() -> int:
    """Serve until a signal; write one JSON line per event to stdout."""
    parser = argparse.ArgumentParser(prog="python -m standins.ecs", description=ABOUT)
    parser.add_argument("--port", type=int, default=8448, help="0 selects a free port (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    arguments = parser.parse_args()
    settings = EcsSettings(port=arguments.port, host=arguments.host, log=write)
    return run(serve(EcsStandin(settings), lambda standin: {"url": standin.url, "about": ABOUT}), arguments.port)


if __name__ == "__main__":
    sys.exit(main())
