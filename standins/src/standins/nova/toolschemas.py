"""Which JSON schemas of tools the model takes: the narrowest reading of what is public.

A field report names `anyOf` with null, `default`, `title` and `additionalProperties` as refused at `promptStart`, and
another warns of bounds. No public list says what is taken, so this one has only what published samples use.
"""

from collections.abc import Mapping

_KEYWORDS = {"type", "properties", "required", "description", "enum", "items"}
_TYPES = {"string", "integer", "number", "boolean", "array", "object"}


def check(schema: object, path: str = "inputSchema") -> None:
    """Look at a schema and all schemas within it.

    Raises:
        ValueError: it has a keyword or a type that may be refused.
    """
    if not isinstance(schema, Mapping):
        raise ValueError(f"{path} is not a schema")  # noqa: TRY004 - pydantic makes an answer of this class only
    if extra := sorted(set(schema) - _KEYWORDS):
        raise ValueError(f"{path} has {', '.join(extra)}")
    kind = schema.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise ValueError(f"{path} has the type {kind!r}")
    _check_parts(schema, kind, path)


def _check_parts(schema: Mapping[str, object], kind: str, path: str) -> None:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, Mapping):
        raise ValueError(f"{path} has properties that are no object")  # noqa: TRY004 - as above
    if not isinstance(required, list) or not set(required) <= set(properties):
        raise ValueError(f"{path} requires what it does not have")
    if "enum" in schema and not schema["enum"]:
        raise ValueError(f"{path} has no choice")
    for name, value in properties.items():
        check(value, f"{path}.{name}")
    if kind == "array":
        check(schema.get("items"), f"{path}[]")
