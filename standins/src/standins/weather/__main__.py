"""Run the pretend Open-Meteo: ``python -m standins.weather --port 8446``."""

import argparse
import asyncio
import json
import signal
import sys

from standins.weather.server import ABOUT, Settings, WeatherStandin


def main() -> int:
    """Serve until told to stop; one JSON line for each event goes to stdout."""
    parser = argparse.ArgumentParser(prog="python -m standins.weather", description=ABOUT)
    parser.add_argument("--port", type=int, default=8446, help="0 chooses a free one (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        asyncio.run(_serve(Settings(port=arguments.port, host=arguments.host, log=_write)))
    except OSError as error:
        _write({"event": "cannot_listen", "port": arguments.port, "reason": str(error)})
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with WeatherStandin(settings) as standin:
        _write({"event": "listening", "url": standin.url, "about": ABOUT})
        await stop.wait()
    _write({"event": "stopped"})


def _write(event: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
