"""A tool's signature, as the JSON schema for the model and as the check of what the model sent."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from agent_core.errors import InvalidArguments
from agent_core.tools.schemas import plain

_LONGEST_COMPLAINT = 500
"""Characters: a name that the model made up stands in it, and goes back to the model with the result."""


class Arguments(BaseModel):
    """Base of all argument models: a name that is not in the signature is an error, as the model should learn of it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


CONVERSATION = "conversation"
"""A parameter of this name is no argument of the model's: it gets the conversation that the tool is used in."""


def arguments_of(function: Callable[..., object], choices: Mapping[str, Sequence[str]]) -> type[Arguments]:
    """Build the argument model from a signature: annotations give types and descriptions, defaults make optional.

    Args:
        function: Whose signature.
        choices: Arguments that take one of these words only, where that is known when a service starts.
    """
    hints = get_type_hints(function, include_extras=True)
    for name, words in choices.items():
        hints[name] = Annotated[Literal[tuple(words)], *getattr(hints[name], "__metadata__", ())]
    fields: dict[str, Any] = {
        name: (hints[name], ... if parameter.default is inspect.Parameter.empty else parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != CONVERSATION
    }
    return create_model(f"{function.__name__}_arguments", __base__=Arguments, **fields)


def schema_of(model: type[Arguments]) -> tuple[dict[str, Any], list[str]]:
    """Return the JSON schema of each argument, and the names of those that are required.

    Raises:
        ValueError: An argument has a type that the model cannot be given.
    """
    schema = plain(model.model_json_schema())
    return schema["properties"], schema.get("required", [])


def checked(model: type[Arguments], arguments: object) -> Arguments:
    """Validate what the model sent.

    Raises:
        InvalidArguments: It does not fit; the reason names each argument that is wrong, for the model to read.
    """
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
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    )
    return complaint[:_LONGEST_COMPLAINT]
