"""Run the stand-in: `python -m standins.nova --port 8443 --control-port 8444 --certs DIR`."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from standins.command import Event, run
from standins.nova.backend import Backend
from standins.nova.event_log import note, to_stdout
from standins.nova.models import ALL
from standins.nova.pace import PROFILES
from standins.nova.server import NovaSettings, NovaStandin
from standins.nova.service_limits import ServiceLimits
from standins.nova.tones import tone_backend
from standins.nova.tuning import assignments, changed

BANNER = (
    "Stand-in for Amazon Nova Sonic. Real: the wire, the order of events, the limits and their errors. "
    "Not real: the understanding, the voice, the prices, token counts, latency. Backend: {backend}; voice: {voice}."
)


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m standins.nova", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8443, help="TLS, HTTP/2")
    parser.add_argument("--h2c-port", type=int, help="clear-text HTTP/2 with prior knowledge (default: off)")
    parser.add_argument("--control-port", type=int, default=8444, help="control API: HTTP/1.1, JSON, on the same host")
    parser.add_argument("--certs", type=Path, default=Path(".run/nova-certs"), help="folder of ca.pem and bundle.pem")
    parser.add_argument("--name", action="append", default=[], help="an additional host name for the certificate")
    parser.add_argument("--access-key-id", default="standin")
    parser.add_argument("--secret-access-key", default="standin-secret")
    parser.add_argument("--any-credentials", action="store_true", help="do not verify signatures")
    parser.add_argument("--model", action="append", choices=sorted(ALL), help="model to offer (default: all)")
    parser.add_argument("--retired-model", action="append", default=[], help="a model at the end of its life")
    parser.add_argument("--limit", action="append", default=[], metavar="NAME=VALUE", help="change a limit of streams")
    parser.add_argument("--pace", choices=tuple(PROFILES), default="field", help="quick: shorter delays than any model")
    parser.add_argument("--timing", action="append", default=[], metavar="NAME=VALUE", help="change a pace delay")
    parser.add_argument("--clock-scale", type=float, default=1.0, help="speed of the clock that limits use")
    parser.add_argument("--backend", choices=("speech", "tones"), default="speech", help="tones: no words, little CPU")
    parser.add_argument("--agents", type=Path, metavar="DIR", help="folder of agent folders to play")
    parser.add_argument("--brain", metavar="URL", help="a local server with OpenAI's chat completions decides instead")
    parser.add_argument("--brain-model", default="default", metavar="NAME", help="the model that the server shall use")
    parser.add_argument("--verbose", action="store_true", help="also log transcripts")
    return parser


def settings_of(options: argparse.Namespace) -> NovaSettings:
    """Convert the command line to settings.

    Raises:
        ValueError: There is no such limit or delay, or its value is not valid.
    """
    return NovaSettings(
        host=options.host,
        port=options.port,
        h2c_port=options.h2c_port,
        control_port=options.control_port,
        certificates=options.certs,
        extra_names=tuple(options.name),
        credentials=None if options.any_credentials else {options.access_key_id: options.secret_access_key},
        models=frozenset(options.model or ALL),
        retired=tuple(options.retired_model),
        limits=changed(ServiceLimits(), assignments(options.limit)),
        pace=changed(PROFILES[options.pace], assignments(options.timing)),
        clock_scale=options.clock_scale,
    )


def backend_of(options: argparse.Namespace) -> Backend:
    """Return the selected backend. Speech is imported only if selected, because loading its models is slow.

    Raises:
        ValueError: There is no such folder, or the brain's URL is not http.
    """
    if options.backend == "tones":
        return tone_backend()
    if options.agents is not None and not options.agents.is_dir():
        raise ValueError(f"--agents {options.agents}: no such folder")
    if options.brain is not None and not options.brain.startswith(("http://", "https://")):
        raise ValueError(f"--brain {options.brain}: expected a URL such as http://127.0.0.1:11434/v1")
    from standins.nova.speech import speech_backend  # noqa: PLC0415

    if options.brain is None:
        return speech_backend(options.agents)
    from standins.nova.brain import Brain  # noqa: PLC0415

    return speech_backend(options.agents, Brain(options.brain, options.brain_model))


async def serve(settings: NovaSettings, backend: Backend) -> None:
    """Run until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with NovaStandin(settings, backend) as nova:
        note("banner", about=BANNER.format(backend=backend.description, voice=backend.voice.name))
        note(
            "listening",
            url=nova.url,
            h2c_port=nova.h2c_port or None,
            control=nova.control_url,
            ca_file=str(nova.trust.ca_file),
            bundle_file=str(nova.trust.bundle_file),
        )
        await stop.wait()
    note("stopped")


def _note_event(event: Event) -> None:
    note(str(event["event"]), **{name: value for name, value in event.items() if name != "event"})  # type: ignore[arg-type]


def main() -> int:
    """Parse the command line and serve, on uvloop if it is installed.

    Returns:
        The exit code: 1 if an address is in use, or the speech recogniser does not start.
    """
    parser = arguments()
    options = parser.parse_args()
    to_stdout(verbose=options.verbose)
    try:
        settings, backend = settings_of(options), backend_of(options)
    except ValueError as error:
        parser.error(str(error))
    return run(serve(settings, backend), options.port, _note_event)


if __name__ == "__main__":
    sys.exit(main())
