"""`voice-agent doctor`: check everything that a call needs, without a call, and say how to fix what is wrong."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deployment.aws import AwsFailure, short
from deployment.checks.finding import Finding
from deployment.console import CheckMark, Screen
from deployment.deploy_context import ROOT, new_screen
from deployment.errors import DeploymentError
from doctor import amazon, machine, others, twilio_checks
from doctor.live import live_command as live
from doctor.options import DoctorOptions
from doctor.probing import Check, make
from doctor.surroundings import MachineState, read_environment


def work(given: DoctorOptions, screen: Screen | None = None, root: Path = ROOT) -> int:
    """Run the checks, repair if requested, print the findings, and return the exit code."""
    for name, value in (environment := read_environment(root)).items():
        os.environ.setdefault(name, value)  # boto3 does not read .env
    surroundings = MachineState(root, environment, given.environment, given.twilio_number)
    shown = screen or new_screen()
    if given.live:
        return live.run(surroundings, shown, given)
    # --live has its own output and needs no findings of the quick checks.
    found = make(checks(surroundings), given.seconds)
    if given.json:
        sys.stdout.write(json.dumps(_as_json(found), ensure_ascii=False, indent=1) + "\n")
        return code(found)
    show(found, shown)
    if given.fix:
        return _fix(surroundings, shown, consent=given.yes, found=found, seconds=given.seconds)
    return code(found)


def checks(surroundings: MachineState) -> list[Check]:
    """Return the checks in the order of their rows."""
    named: dict[str, Callable[..., Sequence[Finding]]] = {
        "settings": machine.settings,
        "page": machine.page,
        "ports": machine.ports,
        "credentials": amazon.credentials,
        "model": amazon.offered,
        "model quota": amazon.quota,
        "secrets": amazon.stored_keys,
        "twilio": twilio_checks.numbers,
        "webhook": twilio_checks.public_address,
        "daily": others.daily,
        "weather": others.weather,
    }
    return [
        # Not in the table: it needs no surroundings.
        Check("python", machine.python),
        *(Check(name, partial(look, surroundings)) for name, look in named.items()),
    ]


def show(found: Sequence[Finding], screen: Screen) -> None:
    """Print a row for each finding, and a summary."""
    screen.title("voice-agent doctor")
    for one in found:
        screen.row(one.mark, one.subject, one.found, one.advice)
    wrong = sum(one.mark is CheckMark.BAD for one in found)
    text = "Nothing prevents a call." if not wrong else f"{wrong} of {len(found)} checks found something wrong."
    screen.heading(text)


def code(found: Sequence[Finding]) -> int:
    """Return the exit code."""
    return int(any(one.mark is CheckMark.BAD for one in found))


def _fix(surroundings: MachineState, screen: Screen, *, consent: bool, found: Sequence[Finding], seconds: float) -> int:
    """Apply safe repairs after confirmation, then run the checks again."""
    try:
        # Computed before anything is changed, to show the operator what would change.
        repairs = [*twilio_checks.pointing(surroundings), *amazon.missing_keys(surroundings)]
    except (DeploymentError, *AwsFailure) as error:
        screen.row(CheckMark.BAD, "fix", str(error) if isinstance(error, DeploymentError) else short(error))
        return 1
    if not repairs:
        screen.row(CheckMark.STEP, "fix", "nothing can be repaired automatically: follow the arrows above")
        return code(found)
    done = 0
    for words, repair in repairs:
        screen.row(CheckMark.STEP, "fix", words)
        if not consent and (not screen.can_ask or screen.ask("Apply? [y/N]").lower() not in {"y", "yes"}):
            screen.row(CheckMark.STEP, "", "not applied" if screen.can_ask else "not applied: pass --yes to confirm")
            continue
        repair()
        done += 1
        screen.row(CheckMark.GOOD, "", "done")
    # Run the checks again only if something has changed.
    if not done:
        return code(found)
    again = make(checks(surroundings), seconds)
    show(again, screen)
    return code(again)


def _as_json(found: Sequence[Finding]) -> dict[str, Any]:
    rows = [
        {"check": one.subject, "mark": one.mark.value, "found": one.found, "remedy": list(one.advice)} for one in found
    ]
    return {"ok": not code(found), "checks": rows}
