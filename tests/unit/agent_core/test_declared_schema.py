"""A declared JSON schema validates arguments, and the speech model sees only what it accepts."""

import pytest

from agent_core.errors import InvalidArguments
from agent_core.tools.arguments import checked
from agent_core.tools.declared_schema import DeclaredArguments, declared
from standins.nova import tool_schema_rules

SCHEMA = {
    "type": "object",
    "title": "free_tables",
    "$defs": {"Day": {"enum": ["monday", "friday"], "type": "string"}},
    "additionalProperties": False,
    "properties": {
        "people": {"type": "integer", "minimum": 1, "maximum": 8, "description": "How many"},
        "day": {"$ref": "#/$defs/Day"},
        "name": {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}], "default": None},
        "wishes": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "class": {"type": ["string", "null"], "pattern": "^[a-z]+$"},
        "guest": {"type": "object", "properties": {"first-name": {"type": "string"}}, "required": ["first-name"]},
    },
    "required": ["people", "day"],
}


def values(**arguments: object) -> dict[str, object]:
    """Return the validated values."""
    model, _, _ = declared(SCHEMA, "free_tables")
    made = checked(model, arguments)
    assert isinstance(made, DeclaredArguments)
    return made.values


def test_only_what_the_model_gave_is_sent_by_its_own_names() -> None:
    """A missing value is not sent as null, and names need not be Python's."""
    assert values(people=2, day="friday") == {"people": 2, "day": "friday"}
    whole = {
        "people": 2,
        "day": "friday",
        "name": "Ada",
        "wishes": ["a"],
        "class": "abc",
        "guest": {"first-name": "Bo"},
    }
    assert values(**whole) == whole


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ({"day": "friday"}, "people: Field required"),
        ({"people": 0, "day": "friday"}, "people: Input should be greater than or equal to 1"),
        ({"people": 2, "day": "sunday"}, "day: Input should be 'monday' or 'friday'"),
        ({"people": 2, "day": "friday", "name": "Alexander"}, "name: String should have at most 5"),
        ({"people": 2, "day": "friday", "wishes": ["a", "b", "c"]}, "wishes: List should have at most 2"),
        ({"people": 2, "day": "friday", "class": "A"}, "class: String should match"),
        ({"people": 2, "day": "friday", "guest": {}}, "guest.first-name: Field required"),
        ({"people": 2, "day": "friday", "url": "x"}, "url: Extra inputs are not permitted"),
    ],
)
def test_wrong_arguments_are_named_to_the_model(arguments: dict[str, object], wrong: str) -> None:
    """As for a tool of `tools.py`."""
    with pytest.raises(InvalidArguments, match=wrong.replace(".", r"\.")):
        values(**arguments)


def test_the_speech_model_accepts_the_schema() -> None:
    """The stand-in's strictest reading is the judge."""
    _, properties, required = declared(SCHEMA, "free_tables")
    tool_schema_rules.check({"type": "object", "properties": properties, "required": required}, "strict")
    assert required == ["people", "day"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array"},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=a)b"}}},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}},
        {"type": "object", "properties": {"a": {}}},
        {"type": "object", "properties": {"a": {"type": ["string", "integer"]}}},
        {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/schema.json"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}},
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/A"}},
            "$defs": {"A": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}},
        },
        {"type": "object", "properties": {f"p{index}": {"type": "string"} for index in range(31)}},
        {"type": "object", "properties": {"a": {"type": "integer", "minimum": "one"}}},
        {"type": "object", "properties": {"a": {"type": "string", "maxLength": -1e999}}},
        {"type": "object", "properties": {"a": None}},
        {"type": "object", "properties": {"a": {"enum": [{"b": []}]}}},
    ],
)
def test_a_schema_that_cannot_be_used_is_one_error(schema: dict[str, object]) -> None:
    """Whatever a server sends; no reference is followed, and nothing recurses."""
    with pytest.raises(ValueError):  # noqa: PT011 - any reason
        declared(schema, "tool")
