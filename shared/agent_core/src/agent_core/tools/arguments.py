"""Turn a tool's signature into a JSON schema for the model, and validate the model's arguments with it."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from agent_core.capture.kinds import Kind, captured_kind, handle_annotation
from agent_core.errors import InvalidArguments
from agent_core.tools.call import Call
from agent_core.tools.schemas import plain

_LONGEST_COMPLAINT = 500
"""Most characters of an error: it contains names that the model made up, and is returned to the model."""


class Arguments(BaseModel):
    """Base of all argument models: an unknown argument name is an error, so that the model learns of it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


CONVERSATION = "conversation"
"""A parameter of this name is not an argument for the model: it receives the conversation that uses the tool."""


def arguments_of(function: Callable[..., object], choices: Mapping[str, Sequence[str]]) -> type[Arguments]:
    """Build the argument model from a signature.

    Annotations give types and descriptions, defaults make arguments optional.

    Args:
        function: The function.
        choices: Arguments restricted to these words, for values known only at start.
    """
    hints = get_type_hints(function, include_extras=True)
    # The words become part of the schema, so that the model chooses one instead of guessing.
    for name, words in choices.items():
        hints[name] = Annotated[Literal[tuple(words)], *getattr(hints[name], "__metadata__", ())]
    # The model sends a handle, so the value's own type is not for it.
    for name, kind in captured_parameters(function).items():
        hints[name] = handle_annotation(hints[name], kind)
    fields: dict[str, Any] = {
        name: (hints[name], ... if parameter.default is inspect.Parameter.empty else parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != CONVERSATION and hints.get(name) is not Call
    }
    return create_model(f"{function.__name__}_arguments", __base__=Arguments, **fields)


def captured_parameters(function: Callable[..., object]) -> dict[str, Kind]:
    """Return the kinds of the parameters whose values are captured; see `agent_core.capture`."""
    hints = get_type_hints(function, include_extras=True)
    return {name: kind for name, hint in hints.items() if name != "return" and (kind := captured_kind(hint))}


def call_parameter(function: Callable[..., object]) -> str | None:
    """Return the name of the parameter that receives the `Call`, if there is one."""
    return next((name for name, kind in get_type_hints(function).items() if kind is Call), None)


def schema_of(model: type[Arguments]) -> tuple[dict[str, Any], list[str]]:
    """Return the JSON schema of each argument, and the names of the required ones.

    Raises:
        ValueError: An argument has a type that cannot be expressed for the model.
    """
    schema = plain(model.model_json_schema())
    return schema["properties"], schema.get("required", [])


def checked(model: type[Arguments], arguments: object) -> Arguments:
    """Validate the model's arguments.

    Raises:
        InvalidArguments: They do not fit; the reason names each wrong argument, for the model to read.
    """
    # The model sometimes sends something other than an object.
    if not isinstance(arguments, Mapping):
        message = "arguments must be an object"
        raise InvalidArguments(message)
    try:
        return model.model_validate(dict(arguments))
    except ValidationError as error:
        raise InvalidArguments(_complaint(error)) from error


def _complaint(error: ValidationError) -> str:
    complaint = "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        # The input itself is left out: it may be long, and the model knows it.
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    )
    return complaint[:_LONGEST_COMPLAINT]
