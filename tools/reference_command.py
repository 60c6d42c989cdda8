"""Writes the reference page of the `voice-agent` command from the commands themselves; `tools.reference` calls it."""

import inspect
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Final

from typer.core import TyperOption

from voice_agent.plug_in import PROGRAM, Command
from voice_agent.program import GROUP, in_order

_HEAD: Final = f"""# The command

`{PROGRAM}` runs everything on one machine, calls it, and deploys it. `{PROGRAM} --help` lists the commands,
`{PROGRAM} COMMAND --help` describes one, `{PROGRAM} --version` prints the version, and
`{PROGRAM} --install-completion` lets the shell complete commands and options. Wrong usage is one line on standard
error, and exit code 2.

`make run`, `make call` and the rest do the same; `make help` lists their variables. Another distribution adds a command
by an entry point of the group `voice_agent.commands`; `cli/src/voice_agent/plug_in.py` says how.
"""


def command_page() -> str:
    """Describe every command of this repository, with its options."""
    found = in_order(entry_points(group=GROUP))
    return "\n".join([_HEAD, *(line for one in found for line in _command(one.load()))]).rstrip() + "\n"


def _command(command: Command[object]) -> Iterator[str]:
    parser = command.parser()
    yield f"## `{PROGRAM} {command.name}`"
    yield ""
    yield inspect.cleandoc(parser.help or "")
    yield ""
    yield "| option | variable | default | what it does |"
    yield "|---|---|---|---|"
    for option in parser.params:
        if isinstance(option, TyperOption):
            yield f"| `{_usage(option)}` | {_code(option.envvar)} | {_code(_default(option))} | {_cell(option.help)} |"
    yield ""
    if parser.epilog:
        yield inspect.cleandoc(parser.epilog)
        yield ""


def _usage(option: TyperOption) -> str:
    name = option.opts[0]
    if option.is_flag:
        return name
    choices = option.type_descriptor.choices
    value = option.metavar or ("\\|".join(map(str, choices)) if choices else "VALUE")
    return f"{name} {value}"


def _default(option: TyperOption) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    return "" if option.is_flag or option.default in (None, "") else str(option.default)


def _code(value: object) -> str:
    return f"`{value}`" if value else ""


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
