"""A command of `voice-agent`: a function that reads its options, and the work that it does with them.

A distribution adds a command by an entry point of the group `voice_agent.commands`, such as
`greet = "package.options:greet"`. Its module imports little, because `--help` and shell completion load it::

    @command("package.greeting:run")
    def greet(*, name: Annotated[str, typer.Option()] = "you") -> Greeting:
        return Greeting(name)

The function's docstring describes the command; `voice-agent --help` shows its first line. `package.greeting` is
imported when the command runs: its function `run` receives what `greet` returned, and returns the exit code.
"""

import difflib
import functools
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from voice_agent.loading import interruptible

if TYPE_CHECKING:
    from typer._click import Context

PROGRAM: Final = "voice-agent"
SETTINGS: Final = {"help_option_names": ["--help", "-h"]}
_ABORTED: Final = 1


def _variables() -> Mapping[str, str]:
    return os.environ


class Command[Options]:
    """A command that an entry point names. Create one with `command`.

    Args:
        read: Has a keyword for each option, declared for typer. Returns the validated options.
        work: `module:function` that receives them and returns the exit code.
        variables: Returns the defaults of the options with an `envvar`; also the context's `obj`.
        cls: typer's class for the command.
        epilog: Printed below the options.
    """

    def __init__(
        self,
        read: Callable[..., Options],
        work: str,
        *,
        variables: Callable[[], Mapping[str, str]] = _variables,
        cls: type[TyperCommand] = TyperCommand,
        epilog: str | None = None,
    ) -> None:
        self.name = read.__name__.replace("_", "-")
        self._read = read
        self._work = work
        self._variables = variables
        self._cls = cls
        # typer would print the line breaks of the source.
        self._epilog = "\n\n".join(" ".join(part.split()) for part in epilog.split("\n\n")) if epilog else None

    def options(self, arguments: Sequence[str], variables: Mapping[str, str] | None = None) -> Options:
        """Return the validated options.

        Raises:
            SystemExit: The arguments ask for help (0), or are wrong (2): one line on standard error says why.
        """
        read: list[Options] = []
        parser = self._parser(read.append)
        given = self._defaults(parser, self._variables() if variables is None else variables)
        code = invoke(parser, arguments, f"{PROGRAM} {self.name}", **given)
        if not read:
            raise SystemExit(code)
        return read[0]

    def make_context(self, info_name: str | None, args: list[str], parent: "Context | None", **extra: Any) -> "Context":  # noqa: ANN401 - typer's arguments, unchanged
        """Parse the arguments; the program calls this for its subcommand."""
        parser = self._parser(self._carry_out)
        given = self._defaults(parser, self._variables())
        try:
            return parser.make_context(info_name, args, parent, **(given | extra))
        except TyperException as error:
            # typer does not name the command whose option has no value.
            if getattr(error, "ctx", None) is None:
                vars(error)["ctx"] = typer.Context(parser, info_name=info_name, parent=parent)
            raise

    def parser(self) -> TyperCommand:
        """Return typer's description of the command, for its reference page."""
        return self._parser(lambda _: None)

    def _parser(self, receive: Callable[[Options], object]) -> TyperCommand:
        @functools.wraps(self._read)
        def callback(*args: object, **options: object) -> object:
            return receive(self._read(*args, **options))

        app = typer.Typer(add_completion=False, rich_markup_mode="rich")
        app.command(self.name, cls=self._cls, epilog=self._epilog, context_settings=SETTINGS)(callback)
        made = typer.main.get_command(app)
        if not isinstance(made, TyperCommand):
            raise TypeError(f"{self._cls} is not a command of typer")
        return with_plain_flags(made)

    def _defaults(self, parser: TyperCommand, variables: Mapping[str, str]) -> dict[str, Any]:
        named = {param.name: variables.get(param.envvar) for param in parser.params if isinstance(param.envvar, str)}
        return {"obj": variables, "default_map": {name: value for name, value in named.items() if value}}

    def _carry_out(self, options: Options) -> int:
        module, _, function = self._work.partition(":")
        # The work is imported here and not at the top, so that `--help` stays fast.
        with interruptible():
            work: Callable[[Options], int] = getattr(importlib.import_module(module), function)
        return work(options)


def command[Options](
    work: str,
    *,
    variables: Callable[[], Mapping[str, str]] = _variables,
    cls: type[TyperCommand] = TyperCommand,
    epilog: str | None = None,
) -> Callable[[Callable[..., Options]], Command[Options]]:
    """Turn the function that reads the options into a command; see `Command` for the arguments."""

    def decorate(read: Callable[..., Options]) -> Command[Options]:
        return Command(read, work, variables=variables, cls=cls, epilog=epilog)

    return decorate


def invoke(parser: Any, arguments: Sequence[str], program: str, **extra: Any) -> int:  # noqa: ANN401 - typer's command or group, and its arguments
    """Run a command and return its exit code; for wrong usage, print one line on standard error and return 2."""
    try:
        code = parser.main([*arguments], prog_name=program, standalone_mode=False, **extra)
    except TyperException as error:
        sys.stderr.write(f"{_complaint(error, program)}\n")
        return error.exit_code
    except typer.Abort:
        return _ABORTED
    return code if isinstance(code, int) else 0


def with_plain_flags[Made: TyperCommand | TyperGroup](made: Made) -> Made:
    """Make an option without a value a plain flag: `--help` shows no type, and its default is False.

    typer imports pydantic to convert a default of None, such as that of --help, and this doubles the time of a start.
    """
    for option in (*made.params, made.get_help_option(typer.Context(made))):
        if isinstance(option, TyperOption) and option.is_flag:
            option.metavar = ""
            option.default = option.default or False
    return made


def _complaint(error: TyperException, program: str) -> str:
    context = getattr(error, "ctx", None)
    place = context.command_path if context is not None else program
    return f"{place}: {_reason(error).rstrip('.')}; {place} --help lists all"


def _reason(error: TyperException) -> str:
    context, param = getattr(error, "ctx", None), getattr(error, "param", None)
    if hasattr(error, "possibilities"):  # not a known option; typer suggests from a few of them only
        name = str(getattr(error, "option_name", ""))
        known = [option for each in context.command.params for option in each.opts] if context is not None else []
        near = difflib.get_close_matches(name, known, n=1)
        return f"no option {name}" + (f"; did you mean {near[0]}?" if near else "")
    if param is not None:
        text = error.message.removeprefix("Value error, ")  # pydantic's prefix
        return f"{param.opts[0]}: {_lower(text)}"
    message = error.format_message().removeprefix("Invalid value for ")
    return _lower(message.replace("No such ", "no ").replace(". Did", "; did"))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
