"""Reduce JSON schemas to the few keywords that the model accepts.

According to a field report, Nova Sonic refuses ``anyOf`` with null, ``default``, ``title`` and ``additionalProperties``
at ``promptStart``, which ends the conversation before its first word, and no public source lists what it accepts.
Schemas therefore use only the keywords that every published sample uses. What they cannot express, such as a bound, is
put into the description for the model to read, and is enforced when the model calls.
"""

from collections.abc import Mapping
from typing import Any

KEYWORDS = frozenset({"type", "properties", "required", "description", "enum", "items"})
"""The only keywords in a schema for the model."""

_TYPES = frozenset({"string", "integer", "number", "boolean", "array", "object"})
_BOUNDS = (
    ("exclusiveMinimum", "more than {}"),
    ("exclusiveMaximum", "less than {}"),
    ("multipleOf", "a multiple of {}"),
    ("pattern", "matching {}"),
    ("format", "as a {}"),
)
_RANGES = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
)


def plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Reduce a JSON schema to ``KEYWORDS``; an optional value becomes not required, rather than null.

    Raises:
        ValueError: The schema allows what these keywords cannot express: several types, any type, or recursion.
    """
    return _plain(schema, schema.get("$defs", {}), ())


def _plain(schema: Mapping[str, Any], definitions: Mapping[str, Any], within: tuple[str, ...]) -> dict[str, Any]:
    schema, within = _resolved(schema, definitions, within)
    kind, choices = _type_of(schema), _choices_of(schema)
    reduced: dict[str, Any] = {"type": kind}
    if description := _description(schema):
        reduced["description"] = description
    if choices:
        reduced["enum"] = choices
    if kind == "array":
        reduced["items"] = _plain(_items_of(schema), definitions, within)
    if kind == "object":
        reduced["properties"] = {
            name: _plain(value, definitions, within) for name, value in schema.get("properties", {}).items()
        }
        if required := list(schema.get("required", ())):
            reduced["required"] = required
    return reduced


def _resolved(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], within: tuple[str, ...]
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Follow references and drop null from alternatives; neighbouring keywords take precedence over the target's."""
    while True:
        beside = {key: value for key, value in schema.items() if key not in ("$ref", "anyOf", "oneOf", "allOf")}
        if "$ref" in schema:
            name = str(schema["$ref"]).rpartition("/")[2]
            # The model has no references, so a recursive type would expand without end.
            if name in within:
                message = f"{name} contains itself"
                raise ValueError(message)
            within = (*within, name)
            schema = {**definitions[name], **beside}
        elif alternatives := [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]:
            schema = {**_only(alternatives), **beside}
        else:
            return schema, within


def _only(alternatives: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the one alternative that is not null; merge choices of words and kinds of numbers."""
    real = [one for one in alternatives if one.get("type") != "null"]
    if len(real) == 1:
        return real[0]
    if real and all("const" in one or "enum" in one for one in real):
        return {"enum": [choice for one in real for choice in _choices_of(one)]}
    if real and all(one in ({"type": "integer"}, {"type": "number"}) for one in real):
        return {"type": "number"}
    message = f"the model can be given one type only, not {len(real)}"
    raise ValueError(message)


def _choices_of(schema: Mapping[str, Any]) -> list[Any]:
    choices = [schema["const"]] if "const" in schema else schema.get("enum", ())
    return [choice for choice in choices if choice is not None]


def _type_of(schema: Mapping[str, Any]) -> str:
    stated = schema.get("type")
    kinds = {stated} if isinstance(stated, str) else {kind for kind in stated or () if kind != "null"}
    kinds = kinds or {_type_of_value(choice) for choice in _choices_of(schema)}
    if len(kinds) == 1 and kinds <= _TYPES:
        return next(iter(kinds))
    message = "the model must be given one type"
    raise ValueError(message)


def _type_of_value(value: object) -> str:
    return {str: "string", bool: "boolean", int: "integer", float: "number"}.get(type(value), "")


def _items_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of an array's elements; a tuple has one if all its positions are equal."""
    places = schema.get("prefixItems", [])
    items: Mapping[str, Any] = places[0] if places else schema.get("items") or {}
    if all(place == items for place in places):
        return items
    message = "the model can be given one type of elements only"
    raise ValueError(message)


def _description(schema: Mapping[str, Any]) -> str:
    stated = str(schema.get("description", "")).replace("\n", " ").strip()
    # The model has no keyword for bounds, so it reads them here.
    bounds = ", ".join(_bounds(schema))
    if not bounds:
        return stated
    return f"{stated} ({bounds})" if stated else bounds[0].upper() + bounds[1:]


def _bounds(schema: Mapping[str, Any]) -> list[str]:
    words = []
    for low, high, unit in _RANGES:
        match schema.get(low), schema.get(high):
            case None, None:
                continue
            case least, None:
                words.append(f"at least {least}{unit}")
            case None, most:
                words.append(f"at most {most}{unit}")
            case least, most:
                words.append(f"{least} to {most}{unit}" if least != most else f"exactly {most}{unit}")
    words += [text.format(schema[key]) for key, text in _BOUNDS if key in schema]
    return words + (["each only once"] if schema.get("uniqueItems") else [])
