"""Mark the functions of an agent's ``tools.py`` that the model may call."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

from agent_core.announcements import Announcement
from agent_core.tools.call import ToolSurroundings
from agent_core.tools.registry import DEFAULT_TIMEOUT, Tool

type ToolFunction = Callable[..., Awaitable[dict[str, Any]] | dict[str, Any]]

_MARK: Final = "agent_tool"


@dataclass(frozen=True, slots=True)
class ToolOptions:
    """How a tool is run; see `tool`."""

    timeout: float = DEFAULT_TIMEOUT
    failure: str = "tool_failed"
    shown: bool = False
    choices: Mapping[str, Sequence[str]] | None = None
    filler: bool = False
    acts: bool = False
    rationed: bool = False


@overload
def tool[Function: ToolFunction](function: Function, /) -> Function: ...


@overload
def tool[Function: ToolFunction](
    *,
    timeout: float = DEFAULT_TIMEOUT,
    failure: str = "tool_failed",
    shown: bool = False,
    choices: Mapping[str, Sequence[str]] | None = None,
    filler: bool = False,
    acts: bool = False,
    rationed: bool = False,
) -> Callable[[Function], Function]: ...


def tool(function: ToolFunction | None = None, /, **options: Any) -> Any:
    """Offer a function to the model: its name, annotations and the first paragraph of its docstring describe it.

    Annotations give types and descriptions, defaults make arguments optional. A parameter annotated `Call` is hidden
    from the model. A function that is not async runs in a thread.

    Args:
        function: The function, if the decorator is used without arguments.
        **options: ``timeout``: longest time of one use in seconds. ``failure``: the error word for the model when it
            fails or takes too long. ``shown``: whether a visitor's page may show arguments and result. ``choices``:
            arguments restricted to these words. ``filler``: whether the caller hears that something is looked up, if
            it takes longer than they would wait in silence. ``acts``: whether a use changes something, so that its
            result is not reused. ``rationed``: whether a use costs a third party something, so that the number per
            conversation is limited.
    """
    # Checked here, so that a misspelled option fails on its own line.
    chosen = ToolOptions(**options)

    def mark(marked: ToolFunction) -> ToolFunction:
        # The function itself stays as it is: tests and other code call it like any other.
        setattr(marked, _MARK, chosen)
        return marked

    return mark if function is None else mark(function)


def options_of(value: object) -> ToolOptions | None:
    """Return the options of a marked function; None for anything else."""
    options = getattr(value, _MARK, None)
    return options if isinstance(options, ToolOptions) else None


def make_tool(function: ToolFunction, surroundings: ToolSurroundings) -> Tool:
    """Return the tool of a marked function.

    Raises:
        ValueError, TypeError: see `Tool`.
    """
    options = options_of(function) or ToolOptions()
    return Tool(
        function,
        timeout=options.timeout,
        failure=options.failure,
        shown=options.shown,
        choices=options.choices,
        filler=Announcement.LOOK_UP if options.filler else None,
        acts=options.acts,
        rationed=options.rationed,
        surroundings=surroundings,
    )
