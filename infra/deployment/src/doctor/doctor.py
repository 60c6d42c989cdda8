"""`voice-agent doctor`: check what a call needs, without one, and say what to do about what is wrong."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from deployment.aws import AwsFailure, short
from deployment.checks.finding import Finding
from deployment.console import CheckMark, Screen
from deployment.deploy_context import ROOT, new_screen
from deployment.errors import DeploymentError
from doctor import amazon, machine, others, twilio_checks
from doctor.live import live_command as live
from doctor.probing import Check, make
from doctor.surroundings import MachineState, read_environment

SECONDS: Final = 20.0
"""All checks together: they are made at once, and each request has a shorter deadline of its own."""
_EPILOG: Final = f"""\
✓ good, ! works but look at it, ✗ does not work, {CheckMark.UNSET} not set up (a stand-in or nothing takes its place).
Exit code: 0 without a ✗, 1 with one, 2 wrong usage. Nothing is changed without --fix and your consent.
"""


def main(arguments: Sequence[str], screen: Screen | None = None, root: Path = ROOT) -> int:
    """Look, repair if asked to, and show what was found; see `--help`."""
    given = _parser().parse_args(arguments)
    for name, value in (environment := read_environment(root)).items():
        os.environ.setdefault(name, value)  # AWS's libraries read no .env
    surroundings = MachineState(root, environment, given.environment, given.twilio_number)
    shown = screen or new_screen()
    if given.live:
        return live.run(surroundings, shown, given)
    found = make(checks(surroundings), given.seconds)
    if given.json:
        sys.stdout.write(json.dumps(_as_json(found), ensure_ascii=False, indent=1) + "\n")
        return code(found)
    show(found, shown)
    if given.fix:
        return _fix(surroundings, shown, consent=given.yes, found=found, seconds=given.seconds)
    return code(found)


def checks(surroundings: MachineState) -> list[Check]:
    """List the checks in the order of their rows."""
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
        Check("python", machine.python),
        *(Check(name, partial(look, surroundings)) for name, look in named.items()),
    ]


def show(found: Sequence[Finding], screen: Screen) -> None:
    """Write a row for each finding, and what it comes to."""
    screen.title("voice-agent doctor")
    for one in found:
        screen.row(one.mark, one.subject, one.found, one.advice)
    wrong = sum(one.mark is CheckMark.BAD for one in found)
    text = (
        "Nothing stands in the way of a call."
        if not wrong
        else f"{wrong} of {len(found)} checks found something wrong."
    )
    screen.heading(text)


def code(found: Sequence[Finding]) -> int:
    """Return the exit code."""
    return int(any(one.mark is CheckMark.BAD for one in found))


def _fix(surroundings: MachineState, screen: Screen, *, consent: bool, found: Sequence[Finding], seconds: float) -> int:
    """Repair what can be repaired safely, after showing each change; then look again."""
    try:
        repairs = [*twilio_checks.pointing(surroundings), *amazon.missing_keys(surroundings)]
    except (DeploymentError, *AwsFailure) as error:
        screen.row(CheckMark.BAD, "fix", str(error) if isinstance(error, DeploymentError) else short(error))
        return 1
    if not repairs:
        screen.row(CheckMark.STEP, "fix", "nothing here can be repaired from here: follow the arrows above")
        return code(found)
    done = 0
    for words, repair in repairs:
        screen.row(CheckMark.STEP, "fix", words)
        if not consent and (not screen.can_ask or screen.ask("Do it? [y/N]").lower() not in {"y", "yes"}):
            screen.row(
                CheckMark.STEP, "", "left as it is" if screen.can_ask else "left as it is: --yes does it unasked"
            )
            continue
        repair()
        done += 1
        screen.row(CheckMark.GOOD, "", "done")
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voice-agent doctor",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--environment", default="", metavar="NAME", help="look at the secrets of this deployed environment, too")
    add("--twilio-number", default="", metavar="+46…", help="look at this number only (default: all of the account)")
    add(
        "--fix",
        action="store_true",
        help="offer to point the number at PUBLIC_BASE_URL, and to add missing secret keys",
    )
    add("--yes", action="store_true", help="do not ask: make the repairs, or pay for --live")
    add("--json", action="store_true", help="write the findings as JSON")
    add("--seconds", type=float, default=SECONDS, help="longest time for all checks (default: %(default).0f)")
    live.add_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
