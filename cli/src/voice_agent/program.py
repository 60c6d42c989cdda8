"""The commands of `voice-agent`, found through their entry points and imported on use."""

import ast
import importlib.util
import os
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from voice_agent.loading import interruptible
from voice_agent.plug_in import PROGRAM, SETTINGS, invoke, with_plain_flags

if TYPE_CHECKING:
    from typer._click import Context

GROUP: Final = "voice_agent.commands"
_ORDER: Final = (
    "new",
    "check",
    "run",
    "chat",
    "call",
    "rehearse",
    "doctor",
    "bench",
    "deploy-plan",
    "deploy",
    "destroy",
)
"""In the order in which a user needs them; commands of other distributions follow."""
_USAGE_ERROR: Final = 2

app = typer.Typer(rich_markup_mode="rich")


class PlugIn(TyperCommand):
    """A command whose module is not imported yet."""

    def __init__(self, entry_point: EntryPoint) -> None:
        super().__init__(entry_point.name, help=summary(entry_point))
        self._entry_point = entry_point

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: "Context | None" = None,
        **extra: Any,  # noqa: ANN401 - typer's arguments, unchanged
    ) -> "Context":
        """Load the command, which parses its arguments."""
        with interruptible():
            command = self._entry_point.load()
        context: Context = command.make_context(info_name, args, parent, **extra)
        return context


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer passes it by position
    if wanted:
        typer.echo(f"{PROGRAM} {version('voice-agent-cli')}")
        raise typer.Exit


@app.callback(
    invoke_without_command=True,
    context_settings=SETTINGS,
    epilog=f"`{PROGRAM} COMMAND --help` describes a command's options.",
)
def _program(
    context: typer.Context,
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Run a voice agent on this machine, call it, and deploy it to AWS."""
    if context.invoked_subcommand is None:
        context.get_help()  # prints it
        raise typer.Exit(_USAGE_ERROR)


def invoke_program(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name, and return its exit code."""
    return invoke(group(), arguments, PROGRAM, obj=os.environ)


def group() -> TyperGroup:
    """Return the program with every installed command."""
    made = typer.main.get_group(app)
    made.params.extend(typer.main.get_install_completion_arguments())
    for entry_point in in_order(entry_points(group=GROUP)):
        made.add_command(PlugIn(entry_point))
    return with_plain_flags(made)


def in_order(found: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Return the commands in the order in which a reader needs them."""
    return sorted(found, key=lambda one: (_ORDER.index(one.name) if one.name in _ORDER else len(_ORDER), one.name))


def summary(entry_point: EntryPoint) -> str:
    """Return the first line of the docstring of what an entry point names, without importing its module."""
    # Parsing the source is much faster than importing the module, and `--help` needs one line of each.
    spec = importlib.util.find_spec(entry_point.module)
    source = Path(spec.origin).read_text(encoding="utf-8") if spec is not None and spec.origin is not None else ""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == entry_point.attr:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""
