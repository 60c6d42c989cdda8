"""A tool's signature, as the JSON schema for the model and as the check of what the model sent."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from agent_core.errors import InvalidArguments

_NOISE = ("title", "default")
"""Keys pydantic adds that tell the model nothing it can use."""


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
    """Give the JSON schema of each argument, and the names of those that are required."""
    schema = model.model_json_schema()
    properties = {name: _plain(prop) for name, prop in schema.get("properties", {}).items()}
    return properties, list(schema.get("required", []))


def checked(model: type[Arguments], arguments: object) -> dict[str, Any]:
    """Validate what the model sent.

    Raises:
        InvalidArguments: It does not fit; the reason names each argument that is wrong, for the model to read.
    """
    if not isinstance(arguments, Mapping):
        message = "arguments must be an object"
        raise InvalidArguments(message)
    try:
        parsed = model.model_validate(dict(arguments))
    except ValidationError as error:
        raise InvalidArguments(_complaint(error)) from error
    return {name: getattr(parsed, name) for name in model.model_fields}


def _plain(prop: dict[str, Any]) -> dict[str, Any]:
    """Drop pydantic's extras; an optional argument is told by its absence from ``required``, not by a null type."""
    plain = {key: value for key, value in prop.items() if key not in _NOISE}
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]  # the same, in the words that every model knows
    choices = [choice for choice in plain.pop("anyOf", []) if choice != {"type": "null"}]
    return {**choices[0], **plain} if len(choices) == 1 else plain | ({"anyOf": choices} if choices else {})


def _complaint(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    )
