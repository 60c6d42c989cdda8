"""Validates the JSON Schema of a tool's arguments: the model accepts a small subset, whose extent is not documented."""

from typing import Final, Literal, get_args

from standins.nova.errors import INVALID_INPUT, invalid

type Reading = Literal["strict", "bounds", "any"]
"""`strict`: only the keywords below. `bounds`: also `minimum` and `maximum`. `any`: all of JSON Schema."""

_TOP: Final = frozenset({"type", "properties", "required"})
"""AWS, "Troubleshooting tool calls": the schema has exactly three keys at its top level."""
_BELOW: Final = _TOP | {"description", "enum", "items"}
"""No report complains of these. In the field, anyOf, default, title, additionalProperties and null were rejected."""
_BOUNDS: Final = frozenset({"minimum", "maximum"})
"""Unknown: no report says whether the model rejects or accepts them."""

type _Type = Literal["string", "number", "integer", "boolean", "array", "object"]
_TYPES: Final = frozenset(get_args(_Type.__value__))


def check(schema: dict[str, object], reading: Reading) -> None:
    """Check the schema of a tool's arguments.

    Raises:
        StreamFault: The model would reject it.
    """
    if reading == "any":
        return
    if schema.get("type") != "object":
        raise _refused("the top level", "its type is not object")
    _check_keywords(schema, _TOP, "the top level")
    _check_inside(schema, _BELOW | _BOUNDS if reading == "bounds" else _BELOW, "the top level")


def _check(schema: object, keywords: frozenset[str], where: str) -> None:
    if not isinstance(schema, dict):
        raise _refused(where, "not an object")
    _check_keywords(schema, keywords, where)
    kind = schema.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise _refused(where, f"type {kind!r}")
    _check_inside(schema, keywords, where)


def _check_keywords(schema: dict[str, object], keywords: frozenset[str], where: str) -> None:
    if unknown := sorted(schema.keys() - keywords):
        raise _refused(where, f"keyword {', '.join(unknown)}")


def _check_inside(schema: dict[str, object], keywords: frozenset[str], where: str) -> None:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise _refused(where, "properties is not an object, or required is not a list")
    if any(not isinstance(name, str) or name not in properties for name in required):
        raise _refused(where, "required contains a name that is not in properties")
    for name, below in properties.items():
        _check(below, keywords, name)
    if "items" in schema:
        _check(schema["items"], keywords, f"items of {where}")


def _refused(where: str, why: str) -> Exception:
    return invalid(INVALID_INPUT, f"tool schema at {where}: {why}")
