"""Options of `voice-agent doctor`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from voice_agent.plug_in import command

SECONDS: Final = 20.0
"""Timeout for all checks, which run concurrently; each request has a shorter one."""
OUT: Final = Path(".run/doctor-live.jsonl")
_EPILOG: Final = """\
✓ good, ! works with a warning, ✗ does not work, – not set up (a stand-in or nothing is used instead).

Exit code: 0 without a ✗, 1 with one, 2 wrong usage. Nothing is changed without --fix and your confirmation.
"""  # noqa: RUF001 - a dash, not a minus
_LIVE: Final = "Probes of real accounts, which cost money"


@dataclass(frozen=True)
class DoctorOptions:
    """Validated options."""

    environment: str = ""
    twilio_number: str = ""
    fix: bool = False
    yes: bool = False
    json: bool = False
    seconds: float = SECONDS
    live: bool = False
    out: Path = OUT
    content: bool = False
    role: str = ""


@command("doctor.doctor:work", epilog=_EPILOG)
def doctor(  # noqa: PLR0913 - each is an option
    *,
    environment: Annotated[
        str, typer.Option(metavar="NAME", help="Also check the secrets of this deployed environment.")
    ] = "",
    twilio_number: Annotated[
        str, typer.Option(metavar="NUMBER", help="Check this number only, such as +46…, instead of all of the account.")
    ] = "",
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Offer to point the number at PUBLIC_BASE_URL, and to add missing secret keys."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: apply the repairs, or pay for --live.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    seconds: Annotated[float, typer.Option(metavar="SECONDS", help="Timeout for all checks.")] = SECONDS,
    live: Annotated[
        bool,
        typer.Option("--live", help="Test undocumented limits: ten minutes, about 1 USD.", rich_help_panel=_LIVE),
    ] = False,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File of raw events.", rich_help_panel=_LIVE)] = OUT,
    content: Annotated[
        bool, typer.Option("--content", help="Keep texts and audio in that file.", rich_help_panel=_LIVE)
    ] = False,
    role: Annotated[
        str, typer.Option(metavar="ARN", help="P7: a role that has only bedrock:InvokeModel.", rich_help_panel=_LIVE)
    ] = "",
) -> DoctorOptions:
    """Check everything that a call needs: accounts, keys, network, clock, numbers."""
    return DoctorOptions(environment, twilio_number, fix, yes, json, seconds, live, out, content, role)
