"""Run the Open-Meteo stand-in: ``python -m standins.weather --port 8446``."""

import argparse
import sys

from standins.command import run, serve, write
from standins.weather.server import ABOUT, WeatherSettings, WeatherStandin


def main() -> int:
    """Serve until a signal; write one JSON line per event to stdout."""
    parser = argparse.ArgumentParser(prog="python -m standins.weather", description=ABOUT)
    parser.add_argument("--port", type=int, default=8446, help="0 selects a free port (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--api-key", help="simulate the commercial plan, which requires this key (default: free plan)")
    parser.add_argument("--limits", action="store_true", help="enforce the free plan's limits")
    arguments = parser.parse_args()
    key, limits = arguments.api_key, arguments.limits
    settings = WeatherSettings(port=arguments.port, host=arguments.host, log=write, api_key=key, limits=limits)
    return run(serve(WeatherStandin(settings), lambda standin: {"url": standin.url, "about": ABOUT}), arguments.port)


if __name__ == "__main__":
    sys.exit(main())
