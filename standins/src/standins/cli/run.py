"""`voice-agent run`: start the phone agent and a stand-in for everything that is not there, and stop them in order."""

import argparse
import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
from dotenv import dotenv_values

from standins.cli.banner import banner, short
from standins.cli.plan import (
    LIVE_FORECAST,
    MisconfiguredError,
    Plan,
    Ports,
    Program,
    Secrets,
    Wishes,
    make_plan,
    wants_weather_probe,
)
from standins.cli.process import Child, ChildError
from standins.cli.state import AlreadyRunningError, only_one, write_state

_PROBE_SECONDS = 2.0
_RUN = Path(".run")

_PORT_NAMES = {
    "phone": ("--port", "FAST_API_PORT"),
    "nova": ("--nova-port", "NOVA_PORT"),
    "nova_control": ("--nova-control-port", "NOVA_CONTROL_PORT"),
    "twilio": ("--twilio-port", "TWILIO_PORT"),
    "weather": ("--weather-port", "WEATHER_PORT"),
}
"""Each port's option and variable."""


def main(arguments: Sequence[str]) -> int:
    """Run until Ctrl-C, a signal, the end of ``--then`` or the death of a child; the last is exit code 1."""
    environment = {**_dotenv(Path(".env")), **os.environ}
    options = _parser(environment).parse_args(arguments)
    try:
        with only_one(_RUN):
            plan = _plan(environment, options)
            _check_ports(plan)
            return asyncio.run(_run(plan, options.then))
    except (AlreadyRunningError, MisconfiguredError, ChildError) as error:
        _say(f"voice-agent run: {error}")
        return 1
    except KeyboardInterrupt:  # before the children, and with them the signal handlers, are there
        return 130


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="voice-agent run", description=__doc__)
    for name, (option, variable) in _PORT_NAMES.items():
        default = environment.get(variable) or getattr(Ports(), name)
        note = f"default {default}, or {variable}; 0 takes a free one"
        parser.add_argument(option, dest=name, type=int, default=default, metavar="PORT", help=note)
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
    parser.add_argument("--verbose", action="store_true", help="the speech stand-in logs the words that it hears")
    parser.add_argument("--then", metavar="COMMAND", help="when ready run this in a shell, stop, give its exit code")
    return parser


def _dotenv(path: Path) -> dict[str, str]:
    """Read ``.env`` as the services do; the environment goes before it."""
    return {name: value for name, value in dotenv_values(path).items() if value}


def _plan(environment: Mapping[str, str], options: argparse.Namespace) -> Plan:
    ports = Ports(**{name: getattr(options, name) or _free_port() for name in _PORT_NAMES})
    wishes = Wishes(ports, options.nova, options.weather, verbose=options.verbose)
    fresh = Secrets(
        access_key="standin",
        secret_key=secrets.token_hex(16),
        account_sid=f"AC{secrets.token_hex(16)}",
        auth_token=secrets.token_hex(16),
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


def _check_ports(plan: Plan) -> None:
    """Find out before anything starts that a port is taken.

    Raises:
        MisconfiguredError: It is; the text says how to choose another.
    """
    names = {"phone-agent": ("phone",), "nova": ("nova", "nova_control")}
    for program in (*plan.standins, plan.agent):
        for port, name in zip(program.ports, names.get(program.name, (program.name,)), strict=True):
            option, variable = _PORT_NAMES[name]
            if not _is_free(port):
                message = f"port {port} is taken ({program.name}): choose another with {option} or {variable}"
                raise MisconfiguredError(message)


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def _run(plan: Plan, then: str | None) -> int:
    """Own the children from the first start to the last stop."""
    task = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel if task is not None else lambda: None)
    children: list[Child] = []
    try:
        await _start(plan.standins, children)
        await _start([plan.agent], children)
        pids = {"voice-agent": os.getpid(), **{child.program.name: child.pid for child in children}}
        state = write_state(_RUN, plan.state, pids)
        _say(banner(plan))
        try:
            return await _until_over(children, then)
        finally:
            state.unlink(missing_ok=True)
    except asyncio.CancelledError:
        _say("Stopping: calls may end first. Ctrl-C again does not wait.")
        return 0
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await _stop(children)


async def _start(programs: Sequence[Program], children: list[Child]) -> None:
    started = [Child(program, _RUN / f"{program.name}.jsonl", _show) for program in programs]
    for child in started:
        _say(f"starting {child.program.name} …")
        await child.start()
        children.append(child)
    begin = time.monotonic()
    try:
        async with asyncio.TaskGroup() as group:
            for child in started:
                group.create_task(_ready(child, begin))
    except* ChildError as errors:
        raise errors.exceptions[0] from None


async def _ready(child: Child, begin: float) -> None:
    await child.ready()
    _say(f"{child.program.name} is ready after {time.monotonic() - begin:.1f} s")


async def _until_over(children: Sequence[Child], then: str | None) -> int:
    """Wait for the command, if there is one, or for the first child that dies.

    Raises:
        ChildError: One died.
    """
    deaths = [asyncio.create_task(child.ended()) for child in children]
    command = [asyncio.create_task(_command(then))] if then else []
    try:
        await asyncio.wait([*deaths, *command], return_when=asyncio.FIRST_COMPLETED)
        for death in deaths:
            if death.done():
                raise ChildError(death.result())
        return command[0].result()
    finally:
        for one in (*deaths, *command):
            one.cancel()
        await asyncio.wait([*deaths, *command])


async def _command(text: str) -> int:
    process = await asyncio.create_subprocess_shell(text)
    try:
        return await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        raise


async def _stop(children: Sequence[Child]) -> None:
    """Stop the agent first, so that calls end on a line that still works; a second Ctrl-C ends the waiting."""
    *standins, agent = children or [None]
    try:
        if agent is not None:
            await agent.stop()
        await asyncio.gather(*(child.stop() for child in standins if child is not None))
    finally:
        for child in children:
            child.kill()


def _show(name: str, line: str) -> None:
    _say(short(name, line))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
