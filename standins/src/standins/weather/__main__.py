"""Run the pretend Open-Meteo: ``python -m standins.weather --port 8446``."""

import argparse
import sys

from standins.command import run, serve, write
from standins.weather.server import ABOUT, WeatherSettings, WeatherStandin


def main() -> int:
    """Serve until told to stop; one JSON line for each event goes to stdout."""
    parser = argparse.ArgumentParser(prog="python -m standins.weather", description=ABOUT)
    parser.add_argument("--port", type=int, default=8446, help="0 chooses a free one (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--api-key", help="pretend the service for customers, who send this key; without, the free one")
    parser.add_argument("--limits", action="store_true", help="hold clients to the free service's limits")
    arguments = parser.parse_args()
    key, limits = arguments.api_key, arguments.limits
    settings = WeatherSettings(port=arguments.port, host=arguments.host, log=write, api_key=key, limits=limits)
    return run(serve(WeatherStandin(settings), lambda standin: {"url": standin.url, "about": ABOUT}), arguments.port)


if __name__ == "__main__":
    sys.exit(main())
