"""`voice-agent run`: start both services, with a stand-in for each system that is not configured, and stop them."""

import asyncio
import contextlib
import secrets
import sys
import threading
from pathlib import Path

import httpx

from voice_agent.run.accounts import announcement
from voice_agent.run.launch import launch
from voice_agent.run.options import RunRequest
from voice_agent.run.parts import MisconfiguredError, Secrets
from voice_agent.run.plan import Plan, make_plan, wants_weather_probe
from voice_agent.run.ports import check_ports
from voice_agent.run.process import ChildError
from voice_agent.run.state import AlreadyRunningError, left_behind, only_one
from voice_agent.run.systems import LIVE_FORECAST

_PROBE_SECONDS = 2.0
_RUN = Path(".run")


def run(request: RunRequest) -> int:
    """Run until Ctrl-C, a signal, the end of ``--then`` or the exit of a child, which returns 1."""
    try:
        # The lock comes first: the ports and the state file belong to the run that holds it.
        with only_one(_RUN):
            plan = _plan(request)
            check_ports(plan, left_behind(_RUN))
            wishes = request.wishes.nova
            for line in announcement(request.environment, speech_is_real=plan.speech_is_real, wishes=wishes):
                _say(line)
            return asyncio.run(launch(plan, _RUN, _say, then=request.then))
    except (AlreadyRunningError, MisconfiguredError, ChildError) as error:
        _say(f"voice-agent run: {error}")
        return 1
    except KeyboardInterrupt:  # before the signal handlers and the children exist
        return 130


def _plan(request: RunRequest) -> Plan:
    environment, wishes = request.environment, request.wishes
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
    """Return whether Open-Meteo answers within the time limit."""
    # Name resolution has no timeout, so a daemon thread waits for it and the program does not.
    answered = threading.Event()
    threading.Thread(target=_probe, args=(answered,), daemon=True).start()
    return answered.wait(_PROBE_SECONDS)


def _probe(answered: threading.Event) -> None:
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(LIVE_FORECAST, params={"latitude": "0", "longitude": "0"}, timeout=_PROBE_SECONDS).raise_for_status()
        answered.set()


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal is gone, and stopping must continue
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
