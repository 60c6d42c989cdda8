"""The options of `voice-agent call`. Most can be given as variables too, so that `make call SAY=…` works."""

import argparse
import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from voice_agent.call.turns import Pressed, Recorded, Spoken, Turn
from voice_agent.parser import Parser

_MAX_CALLS: Final = 500
VARIABLES: Final = ("SAY", "WAV", "DTMF", "BARGE_IN", "CALLS", "LATE", "SAVE", "EXPECT_TOOL", "EXPECT_TEXT", "URL")
_OTHERS: Final = {"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "NO_COLOR", "COLUMNS"}
"""What is not an option of a call and may be set on make's command line all the same."""
_MEANT: Final = {
    "SAY": ("TEXT", "WORDS", "SENTENCE", "QUESTION", "MESSAGE", "PROMPT", "ASK", "SPEAK"),
    "WAV": ("FILE", "AUDIO", "SOUND", "RECORDING", "INPUT", "PLAY"),
    "DTMF": ("KEY", "KEYS", "DIGIT", "DIGITS", "PRESS"),
    "BARGE_IN": ("BARGE", "INTERRUPT"),
    "CALLS": ("COUNT", "CALLERS", "NUMBER", "N", "TIMES", "PARALLEL"),
    "LATE": ("SLOW", "MAX_WAIT"),
    "SAVE": ("OUT", "OUTPUT", "TO", "RECORD"),
    "EXPECT_TOOL": ("TOOL",),
    "EXPECT_TEXT": ("EXPECT", "HEAR", "HEARD"),
    "URL": ("HOST", "ADDRESS", "BASE_URL", "ENDPOINT"),
}
"""What people call these variables who have not looked them up."""
_EPILOG: Final = """\
Turns are done in the order given. Each waits until the agent has finished or, with --barge-in, speaks into its
answer. With --calls, callers can differ: in "what is the weather in {Paris|Rome|Oslo}" the first caller says Paris,
the second Rome, and so on around. The same works in --expect-text, and no caller may then hear a place that only
another one asked for.

A call fails when the agent did not speak in the model's own words, when the fallback, an apology, a hold announcement
or a person spoke in its place, and many calls fail when most answers came late. A person that the agent has put the
caller through to is an answer.

Variables: SAY, WAV, DTMF, BARGE_IN, CALLS, LATE, SAVE, EXPECT_TOOL, EXPECT_TEXT, URL; of the first three in this order,
and only where no turn is given as an option. Exit code: 0 as expected, 1 not as expected, 2 wrong usage, 130 stopped by
Ctrl-C.
"""


@dataclass(frozen=True)
class CallOptions:
    """What is to be done, checked."""

    turns: tuple[Turn, ...]
    barge_in: float | None
    calls: int
    save: Path | None
    expect_tool: str
    expect_text: str
    expect_speech: bool
    url: str
    caller: str
    callee: str
    account_sid: str
    auth_token: str
    edge_header: tuple[str, str] | None
    timeout: float
    late: float
    as_json: bool


class _AddTurn(argparse.Action):
    """Keep --say, --wav and --dtmf in the order they were written."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add one turn."""
        namespace.turns = [*(namespace.turns or []), _turn(parser, option_string or "", str(values))]


def _turn(parser: argparse.ArgumentParser, option: str, value: str) -> Turn:
    if option == "--say":
        return Spoken(value)
    if option == "--wav":
        path = Path(value)
        if not path.is_file():
            parser.error(f"no such file: {value}")
        return Recorded(path)
    if not re.fullmatch(r"[0-9*#A-D]+", value):
        parser.error(f"--dtmf {value!r}: keys are 0-9, *, #, A-D")
    return Pressed(value)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s)?", text.strip())
    if found is None:
        reason = f"{text!r} is not a time such as 1.5s or 800ms"
        raise argparse.ArgumentTypeError(reason)
    return float(found[1]) / (1000 if found[2] == "ms" else 1)


def _calls(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MAX_CALLS:
        reason = f"{text!r} is not a number from 1 to {_MAX_CALLS}"
        raise argparse.ArgumentTypeError(reason)
    return int(text)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z0-9-]+", name) or not value.strip():
        reason = f"{text!r} is not a header such as X-Name: value"
        raise argparse.ArgumentTypeError(reason)
    return name, value.strip()


def nearest(name: str) -> str:
    """Return the variable that a name was meant to be; empty if none is near."""
    capitals = name.upper()
    meant = next((variable for variable, others in _MEANT.items() if capitals in others), "")
    return meant or next(iter(difflib.get_close_matches(capitals, VARIABLES, n=1, cutoff=0.7)), "")


def make_parser(env: Mapping[str, str] = os.environ) -> argparse.ArgumentParser:
    """Describe the options."""
    parser = Parser(
        prog="voice-agent call",
        description="Call the phone agent and see what happens.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--say",
        dest="turns",
        action=_AddTurn,
        metavar="TEXT",
        help="say this, with a synthetic voice; repeat for more turns",
    )
    add(
        "--wav",
        dest="turns",
        action=_AddTurn,
        metavar="FILE",
        help="play this recording (16-bit WAV); repeat for more turns",
    )
    add("--dtmf", dest="turns", action=_AddTurn, metavar="DIGITS", help="press these keys")
    add(
        "--barge-in",
        type=_seconds,
        metavar="TIME",
        default=env.get("BARGE_IN") or None,
        help="start the next turn this long after the answer before it began (with one turn only: into the greeting)",
    )
    add("--calls", type=_calls, metavar="N", default=env.get("CALLS") or "1", help="make N calls at once")
    add(
        "--save",
        type=Path,
        metavar="FILE",
        default=env.get("SAVE") or None,
        help="keep what the caller heard, as a WAV of 8 kHz; several calls get file-1.wav, file-2.wav, …",
    )
    add(
        "--expect-tool", metavar="NAME", default=env.get("EXPECT_TOOL", ""), help="fail unless the agent used this tool"
    )
    add(
        "--expect-text",
        metavar="TEXT",
        default=env.get("EXPECT_TEXT", ""),
        help="fail unless a recogniser finds this in what the caller heard",
    )
    add(
        "--expect-speech",
        action="store_true",
        help="fail unless the agent itself answers: recordings, such as its apology, do not count",
    )
    add("--url", default=env.get("URL", ""), help="call this deployment instead of what runs on this machine")
    add("--from", dest="caller", metavar="NUMBER", default="+15005550006", help="who calls (default: %(default)s)")
    add("--to", dest="callee", metavar="NUMBER", default="+15005550001", help="who is called (default: %(default)s)")
    add("--account-sid", default=env.get("TWILIO_ACCOUNT_SID", ""), help="for --url: default TWILIO_ACCOUNT_SID")
    add("--auth-token", default=env.get("TWILIO_AUTH_TOKEN", ""), help="for --url: default TWILIO_AUTH_TOKEN")
    add(
        "--header",
        dest="edge_header",
        type=_header,
        metavar="NAME:VALUE",
        default=env.get("EDGE_HEADER") or None,
        help="for --url: a header for the load balancer in front of it; default EDGE_HEADER",
    )
    add(
        "--timeout",
        type=_seconds,
        metavar="TIME",
        default="120s",
        help="give up after this long (default: %(default)s)",
    )
    add(
        "--late",
        type=_seconds,
        metavar="TIME",
        default=env.get("LATE") or "5s",
        help="with --calls, fail if most answers begin later than this (default: %(default)s)",
    )
    add("--json", dest="as_json", action="store_true", help="print what was measured as JSON")
    return parser


def read(arguments: Sequence[str], env: Mapping[str, str] = os.environ) -> CallOptions:
    """Read options and environment; a usage error ends the program with code 2."""
    parser = make_parser(env)
    for name in sorted(set(env.get("UNKNOWN_VARIABLES", "").split()) - _OTHERS):
        near = nearest(name)
        instead = f"; write {near}" if near else f"; there are {', '.join(VARIABLES)}"
        parser.exit(2, f"{parser.prog}: no variable {name}{instead}\n")  # not behind options, which were not typed
    given = vars(parser.parse_args(arguments))
    turns = given.pop("turns") or [
        _turn(parser, f"--{name.lower()}", env[name]) for name in ("SAY", "WAV", "DTMF") if env.get(name)
    ]
    return CallOptions(turns=tuple(turns), **given)
