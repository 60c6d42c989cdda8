"""The options of `voice-agent call`. Most are also variables, so that `make call SAY=…` works."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from typer.core import TyperCommand

from voice_agent.call.turns import Pressed, Recorded, Spoken, Turn
from voice_agent.plug_in import command

if TYPE_CHECKING:
    from typer._click import Context

_MAX_CALLS: Final = 500
VARIABLES: Final = ("SAY", "WAV", "DTMF", "BARGE_IN", "CALLS", "LATE", "SAVE", "EXPECT_TOOL", "EXPECT_TEXT", "URL")
_OTHERS: Final = {"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "NO_COLOR", "COLUMNS"}
"""Variables that make's command line may set although they are not options of a call."""
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
"""Names that people guess for these variables."""
_EPILOG: Final = """\
The caller takes its turns in the order given, each after the agent has finished, unless it barges in.

With --calls, callers can differ: in "what is the weather in {Paris|Rome|Oslo}" the first caller says Paris, the second
Rome, and so on. The same works in --expect-text, and a caller must not hear a place that only another asked for.

A call fails if the agent did not speak in the model's own words: the fallback, an apology, a hold announcement or a
person spoke instead. A person to which the agent transferred the caller counts as an answer.

SAY, WAV and DTMF are used, in this order, only if no turn is given as an option. Exit code: 0 as expected, 1 not as
expected, 2 wrong usage, 130 stopped by Ctrl-C.
"""
_TURNS: Final = "What the caller does (repeat for more turns)"
_EXPECTED: Final = "What the call must show"
_DEPLOYED: Final = "Calling a deployment"


@dataclass(frozen=True)
class CallOptions:
    """The validated options of a call."""

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


_ORDER: Final = f"{__name__}.order"


class _InOrder(TyperCommand):
    """Keeps the order of the turns on the command line, which typer loses between repeated options."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Parse twice, and keep the order of the first parse."""
        _, _, order = self.make_parser(ctx).parse_args([*args])
        ctx.meta[_ORDER] = [param.name for param in order]
        return super().parse_args(ctx, args)


class _Seconds(float):
    """A default that `--help` shows in the form in which a user types it."""

    def __str__(self) -> str:
        return f"{float(self):g}s"


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s)?", str(text).strip())
    if found is None:
        raise ValueError(f"{text!r} is not a time such as 1.5s or 800ms")
    return float(found[1]) / (1000 if found[2] == "ms" else 1)


def _header(text: str) -> str:
    name, colon, value = text.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z0-9-]+", name) or not value.strip():
        raise ValueError(f"{text!r} is not a header such as X-Name: value")
    return text


def nearest(name: str) -> str:
    """Return the variable that a wrong name probably means; empty if none is similar."""
    capitals = name.upper()
    # Known guesses first: `AUDIO` means WAV, which no comparison of letters would find.
    meant = next((variable for variable, others in _MEANT.items() if capitals in others), "")
    return meant or next(iter(difflib.get_close_matches(capitals, VARIABLES, n=1, cutoff=0.7)), "")


@command("voice_agent.call.command:run", cls=_InOrder, epilog=_EPILOG)
def call(  # noqa: PLR0913 - each parameter is an option
    context: typer.Context,
    *,
    say: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Say this with a synthetic voice; variable SAY.", rich_help_panel=_TURNS),
    ] = None,
    wav: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Play this recording (16-bit WAV); variable WAV.", rich_help_panel=_TURNS),
    ] = None,
    dtmf: Annotated[
        list[str] | None,
        typer.Option(metavar="DIGITS", help="Press these keys; variable DTMF.", rich_help_panel=_TURNS),
    ] = None,
    barge_in: Annotated[
        float | None,
        typer.Option(
            metavar="TIME",
            parser=_seconds,
            envvar="BARGE_IN",
            help="Start each turn this long after the answer before it began; one turn alone: into the greeting.",
            rich_help_panel=_TURNS,
        ),
    ] = None,
    calls: Annotated[
        int, typer.Option(metavar="N", min=1, max=_MAX_CALLS, envvar="CALLS", help="Number of concurrent calls.")
    ] = 1,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="SAVE",
            help="Save the audio that the caller heard as WAV: file-1.wav, file-2.wav for several.",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="TIME", parser=_seconds, help="Maximum duration of a call.")
    ] = _Seconds(120),
    as_json: Annotated[bool, typer.Option("--json", help="Print the measurements as JSON.")] = False,
    expect_speech: Annotated[
        bool,
        typer.Option(
            "--expect-speech",
            help="Fail unless the agent itself answers; its recordings do not count.",
            rich_help_panel=_EXPECTED,
        ),
    ] = False,
    expect_text: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            envvar="EXPECT_TEXT",
            help="Fail unless speech recognition finds this in the audio.",
            rich_help_panel=_EXPECTED,
        ),
    ] = "",
    expect_tool: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            envvar="EXPECT_TOOL",
            help="Fail unless the agent used this tool.",
            rich_help_panel=_EXPECTED,
        ),
    ] = "",
    late: Annotated[
        float,
        typer.Option(
            metavar="TIME",
            parser=_seconds,
            envvar="LATE",
            help="With --calls, fail if most answers begin later than this.",
            rich_help_panel=_EXPECTED,
        ),
    ] = _Seconds(5),
    url: Annotated[
        str,
        typer.Option(
            envvar="URL",
            metavar="URL",
            help="Call this deployment instead of this machine.",
            rich_help_panel=_DEPLOYED,
        ),
    ] = "",
    account_sid: Annotated[
        str,
        typer.Option(
            envvar="TWILIO_ACCOUNT_SID",
            metavar="SID",
            help="Twilio account of the deployment.",
            rich_help_panel=_DEPLOYED,
        ),
    ] = "",
    auth_token: Annotated[
        str,
        typer.Option(
            envvar="TWILIO_AUTH_TOKEN",
            metavar="TOKEN",
            help="Auth token that signs the requests.",
            rich_help_panel=_DEPLOYED,
        ),
    ] = "",
    header: Annotated[
        str | None,
        typer.Option(
            envvar="EDGE_HEADER",
            metavar="NAME:VALUE",
            parser=_header,
            help="Header that the load balancer routes by.",
            rich_help_panel=_DEPLOYED,
        ),
    ] = None,
    caller: Annotated[str, typer.Option("--from", metavar="NUMBER", help="Caller's number.")] = "+15005550006",
    callee: Annotated[str, typer.Option("--to", metavar="NUMBER", help="Called number.")] = "+15005550001",
) -> CallOptions:
    """Call the phone agent, here or deployed, and report what the caller heard."""
    _refuse_unknown(context)
    name, _, value = (header or "").partition(":")
    return CallOptions(
        turns=_turns(context, {"say": say or [], "wav": wav or [], "dtmf": dtmf or []}),
        barge_in=barge_in,
        calls=calls,
        save=save,
        expect_tool=expect_tool,
        expect_text=expect_text,
        expect_speech=expect_speech,
        url=url,
        caller=caller,
        callee=callee,
        account_sid=account_sid,
        auth_token=auth_token,
        edge_header=(name, value.strip()) if header else None,
        timeout=timeout,
        late=late,
        as_json=as_json,
    )


def read(arguments: Sequence[str], env: Mapping[str, str] | None = None) -> CallOptions:
    """Return the validated options; `env` replaces the variables of the process.

    Raises:
        SystemExit: The arguments ask for help (0), or are wrong (2).
    """
    return call.options(arguments, env)


def _refuse_unknown(context: typer.Context) -> None:
    """Reject an unknown variable of make's command line: its call would have no turns.

    Raises:
        Exit: With code 2, after a line that names the nearest variable; not an option, because the user typed none.
    """
    for name in sorted(set(context.obj.get("UNKNOWN_VARIABLES", "").split()) - _OTHERS):
        near = nearest(name)
        instead = f"write {near}" if near else f"there are {', '.join(VARIABLES)}"
        typer.echo(f"{context.command_path}: no variable {name}; {instead}", err=True)
        raise typer.Exit(2)


def _turns(context: typer.Context, given: Mapping[str, Sequence[str]]) -> tuple[Turn, ...]:
    values = {name: iter(texts) for name, texts in given.items()}
    turns = tuple(_turn(context, name, next(values[name])) for name in context.meta[_ORDER] if name in values)
    # A turn on the command line wins over the variables.
    variables = ((name.lower(), context.obj.get(name)) for name in ("SAY", "WAV", "DTMF"))
    return turns or tuple(_turn(context, name, text) for name, text in variables if text)


def _turn(context: typer.Context, option: str, value: str) -> Turn:
    if option == "say":
        return Spoken(value)
    if option == "wav":
        path = Path(value)
        if not path.is_file():
            raise typer.BadParameter(f"no such file: {value}", ctx=context, param_hint="--wav")
        return Recorded(path)
    if not re.fullmatch(r"[0-9*#A-D]+", value):
        raise typer.BadParameter(f"{value!r}: keys are 0-9, *, #, A-D", ctx=context, param_hint="--dtmf")
    return Pressed(value)
