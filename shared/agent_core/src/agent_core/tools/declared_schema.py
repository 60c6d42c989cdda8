"""Turn a JSON schema that an agent's file or a server states into a model that validates arguments.

Only what the speech model can be given is accepted, see `agent_core.tools.schemas`. Patterns are compiled by an engine
with linear time, and references outside the schema are never followed: a schema from a server is untrusted.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from agent_core.capture.kinds import MAX_HANDLE, Kind, handle_text
from agent_core.tools import untrusted
from agent_core.tools.arguments import Arguments
from agent_core.tools.schemas import plain

_MAX_PROPERTIES: Final = 30
_MAX_DEPTH: Final = 4
_MAX_STEPS: Final = 8
"""References and alternatives that lead to one type."""
_MAX_ABOUT: Final = 400
"""Characters of a captured parameter's description: what follows about the handle must not be cut off."""
_MAX_CHOICES: Final = 100
_SCALARS: Final[Mapping[str, Any]] = {"string": str, "integer": int, "number": float, "boolean": bool}
_BOUNDS: Final = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
}


class DeclaredArguments(Arguments):
    """Validated arguments of a tool whose schema is declared."""

    @property
    def values(self) -> dict[str, Any]:
        """The arguments that the model gave, by their names in the schema."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class _Inside(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def declared(schema: Mapping[str, Any], name: str) -> tuple[type[DeclaredArguments], dict[str, Any], list[str]]:
    """Return the model that validates arguments, what the speech model sees of each, and the required names.

    Args:
        schema: JSON schema of an object.
        name: Of the tool, for errors.

    Raises:
        ValueError: the schema cannot be expressed for the speech model; the reason says which part.
    """
    try:
        shown = plain({"type": "object", **schema})
        model = _Models(schema.get("$defs", {})).model(schema, DeclaredArguments, name)
    except ValueError:
        raise
    # A schema from a server may be wrong in any way.
    except Exception as error:  # noqa: BLE001 - see above
        raise ValueError(f"this is no JSON schema of an object ({type(error).__name__})") from None
    if shown["type"] != "object":
        raise ValueError("the type of all arguments together must be object")
    return model, shown["properties"], list(shown.get("required", []))


def with_handles(schema: Mapping[str, Any], captured: Mapping[str, Kind], name: str) -> Mapping[str, Any]:
    """Return the schema that the speech model gets: it sends handles for captured parameters.

    Args:
        schema: JSON schema of an object.
        captured: Kinds of the parameters whose values are captured; see `agent_core.capture`.
        name: Of the tool, for errors.

    Raises:
        ValueError: the schema cannot be used, or a captured parameter is not text; the reason names it.
    """
    _, properties, _ = declared(schema, name)
    handles = {}
    for each, kind in captured.items():
        shown, stated = properties.get(each, {}), schema.get("properties", {}).get(each)
        # A choice of words is no value that callers spell.
        if stated is None or shown.get("type") != "string" or "enum" in shown:
            raise ValueError(f"captured names {each!r}, which must be a parameter of type string")
        # Not the bounds, which are those of the value: a handle has none that the model needs.
        about = untrusted.clean(str(stated.get("description", "")), _MAX_ABOUT)
        handles[each] = {"type": "string", "maxLength": MAX_HANDLE, "description": handle_text(about, kind)}
    return {**schema, "properties": {**schema.get("properties", {}), **handles}}


class _Models:
    """Makes the models of one schema.

    Args:
        definitions: What its references name.
    """

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions

    def model[M: BaseModel](self, schema: Mapping[str, Any], base: type[M], name: str, depth: int = 0) -> type[M]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if len(properties) > _MAX_PROPERTIES or depth > _MAX_DEPTH:
            raise ValueError(f"more than {_MAX_PROPERTIES} properties, or nested more than {_MAX_DEPTH} deep")
        if missing := [each for each in required if each not in properties]:
            raise ValueError(f"required names {missing[0]!r}, which is not in properties")
        fields: dict[str, Any] = {}
        for index, (key, each) in enumerate(properties.items()):
            kind = self._type(each, f"{name}_{index}", depth)
            is_required = key in required
            # An alias: a name in a schema need not be one in Python. None only where a value is missing.
            default = Field(alias=key) if is_required else Field(None, alias=key)
            fields[f"a{index}"] = (kind if is_required else kind | None, default)
        return create_model(f"{name}_arguments", __base__=base, **fields)

    def _type(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:  # noqa: ANN401 - a type
        schema = self._resolved(schema)
        choices = [schema["const"]] if "const" in schema else schema.get("enum", ())
        if known := [each for each in choices if each is not None][:_MAX_CHOICES]:
            return Literal[tuple(known)]
        stated = schema.get("type")
        kind = stated if isinstance(stated, str) else next(each for each in stated or ["string"] if each != "null")
        if kind == "object":
            return self.model(schema, _Inside, name, depth + 1)
        base: Any = _SCALARS.get(kind)
        if kind == "array":
            inside = self._type(schema.get("items", {"type": "string"}), name, depth + 1)
            base = list[inside]  # type: ignore[valid-type] # known only now
        bounds = {_BOUNDS[key]: value for key, value in schema.items() if key in _BOUNDS}
        if kind == "string" and isinstance(schema.get("pattern"), str):
            bounds["pattern"] = schema["pattern"]
        return Annotated[base, Field(**bounds)] if bounds else base

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow references inside the schema; `plain` has refused recursion and several types before."""
        for _ in range(_MAX_STEPS):
            if "$ref" in schema:
                beside = {key: value for key, value in schema.items() if key != "$ref"}
                schema = {**self._definitions[str(schema["$ref"]).rpartition("/")[2]], **beside}
            elif alternatives := [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]:
                real = [each for each in alternatives if each.get("type") != "null"]
                if len(real) > 1 and all("const" in each or "enum" in each for each in real):
                    return {"enum": [one for each in real for one in each.get("enum", [each.get("const")])]}
                schema = real[0] if len(real) == 1 else {"type": "number"}
            else:
                return schema
        return schema
