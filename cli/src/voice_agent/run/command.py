"""`voice-agent run`: start both services and a stand-in for everything that is not there, and stop them in order."""

import argparse
import asyncio
import contextlib
import os
import secrets
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
from dotenv import dotenv_values

from voice_agent.parser import Parser
from voice_agent.run.accounts import announcement
from voice_agent.run.launch import launch
from voice_agent.run.parts import MisconfiguredError, Ports, Secrets, Wishes
from voice_agent.run.plan import Plan, make_plan, wants_weather_probe
from voice_agent.run.ports import PORT_NAMES, check_ports, free_port
from voice_agent.run.process import ChildError
from voice_agent.run.state import AlreadyRunningError, left_behind, only_one
from voice_agent.run.systems import LIVE_FORECAST

_PROBE_SECONDS = 2.0
_RUN = Path(".run")


def main(arguments: Sequence[str]) -> int:
    """Run until Ctrl-C, a signal, the end of ``--then`` or the death of a child; the last is exit code 1."""
    environment = {**_dotenv(Path(".env")), **os.environ}
    options = make_parser(environment).parse_args(arguments)
    try:
        with only_one(_RUN):
            plan = _plan(environment, options)
            check_ports(plan, left_behind(_RUN))
            for line in announcement(environment, speech_is_real=plan.speech_is_real, wishes=options.nova):
                _say(line)
            return asyncio.run(launch(plan, _RUN, _say, then=options.then))
    except (AlreadyRunningError, MisconfiguredError, ChildError) as error:
        _say(f"voice-agent run: {error}")
        return 1
    except KeyboardInterrupt:  # before the children, and with them the signal handlers, are there
        return 130


def make_parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """Make what reads the command line; variables give the defaults."""
    parser = Parser(prog="voice-agent run", description=__doc__)
    for name, (option, variable) in PORT_NAMES.items():
        default = environment.get(variable) or getattr(Ports(), name)
        note = f"default {default}, or {variable}; 0 takes a free one"
        parser.add_argument(option, dest=f"{name}_port", type=int, default=default, metavar="PORT", help=note)
    parser.add_argument(
        "--nova",
        choices=("auto", "standin", "bedrock"),
        default=environment.get("NOVA") or "auto",
        help="the speech model: auto takes Bedrock when AWS credentials are given (default: %(default)s, or NOVA)",
    )
    parser.add_argument(
        "--weather",
        choices=("auto", "standin", "live"),
        default=environment.get("WEATHER") or "auto",
        help="auto takes Open-Meteo when it answers within 2 s (default: %(default)s, or WEATHER)",
    )
    parser.add_argument(
        "--daily",
        choices=("auto", "standin"),
        default=environment.get("DAILY") or "auto",
        help="auto takes Daily when its key is given, and else needs none; the stand-in has rooms, but no sound in "
        "them (default: %(default)s, or DAILY)",
    )
    parser.add_argument("--verbose", action="store_true", help="stand-ins log the words that they hear")
    parser.add_argument("--then", metavar="COMMAND", help="when ready run this in a shell, stop, give its exit code")
    return parser


def _dotenv(path: Path) -> dict[str, str]:
    """Read ``.env`` as the services do; the environment goes before it."""
    return {name: value for name, value in dotenv_values(path).items() if value}


def read_wishes(options: argparse.Namespace) -> Wishes:
    """Take from the options what the plan needs; a port that is 0 becomes a free one."""
    ports = Ports(**{name: getattr(options, f"{name}_port") or free_port() for name in PORT_NAMES})
    return Wishes(ports, options.nova, options.weather, options.daily, verbose=options.verbose)


def _plan(environment: Mapping[str, str], options: argparse.Namespace) -> Plan:
    wishes = read_wishes(options)
    fresh = Secrets(
        access_key="standin",
        secret_key=secrets.token_hex(16),
        account_sid=f"AC{secrets.token_hex(16)}",
        auth_token=secrets.token_hex(16),
        daily_key=secrets.token_hex(32),
    )
    live = wants_weather_probe(environment, wishes) and _weather_answers()
    return make_plan(environment, wishes, fresh, _RUN.absolute(), live_weather=live)


def _weather_answers() -> bool:
    """Ask Open-Meteo, in a thread that is left behind when its time is up: resolving a name has no time-out."""
    answered = threading.Event()
    threading.Thread(target=_probe, args=(answered,), daemon=True).start()
    return answered.wait(_PROBE_SECONDS)


def _probe(answered: threading.Event) -> None:
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(LIVE_FORECAST, params={"latitude": "0", "longitude": "0"}, timeout=_PROBE_SECONDS).raise_for_status()
        answered.set()


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal is gone; what is left is to stop
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
