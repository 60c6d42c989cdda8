"""Which tool schemas the model accepts."""

import json
from typing import Any

import pytest

from standins.nova.errors import StreamFault
from standins.nova.protocol_state import ProtocolState
from standins.nova.service_limits import ServiceLimits
from standins.nova.tool_schema_rules import Reading
from tests.unit.standins.test_nova_session import NOVA_2, OPENING, PCM, event, play

INVALID = "Invalid input request, please fix your input and try again."


def tool(schema: object, name: str = "weather") -> dict[str, Any]:
    """Return a tool's entry."""
    return {"toolSpec": {"name": name, "description": "It.", "inputSchema": {"json": json.dumps(schema)}}}


def offer(*tools: dict[str, Any], reading: Reading = "strict") -> None:
    """Start a prompt with these tools."""
    start = event("promptStart", audioOutputConfiguration=PCM, toolConfiguration={"tools": tools})
    play([OPENING[0], start], ProtocolState(NOVA_2, ServiceLimits(tool_schema=reading), 0.0))


def taking(**property_: object) -> dict[str, Any]:
    """Return a schema with one property."""
    return {"type": "object", "properties": {"it": property_}}


def refused(schema: object, reading: Reading = "strict") -> None:
    """Assert that a tool with this schema ends the stream."""
    with pytest.raises(StreamFault) as fault:
        offer(tool(schema), reading=reading)
    assert (fault.value.kind, fault.value.message) == ("validationException", INVALID)


def test_plain_schemas_pass() -> None:
    """Every accepted keyword passes at every place, with any property name."""
    city = {"type": "string", "description": "Where.", "enum": ["Oslo", "Bergen"]}
    cities = {"type": "array", "items": {"type": "object", "properties": {"city": city}, "required": ["city"]}}
    properties = {"title": city, "default": city, "cities": cities, "hour": {"type": "integer"}}
    offer(tool({"type": "object", "properties": properties, "required": ["title", "hour"]}))
    offer(tool({"type": "object", "properties": {}}), tool({"type": "object"}, name="end-call_2"))


@pytest.mark.parametrize(
    "keyword",
    [
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"oneOf": [{"type": "string"}]},
        {"allOf": [{"type": "string"}]},
        {"type": "null"},
        {"type": ["string", "null"]},
        {"type": "string", "default": "x"},
        {"type": "string", "title": "It"},
        {"type": "object", "additionalProperties": False},
        {"$ref": "#/$defs/It"},
        {"type": "integer", "minimum": 0},
        {"type": "integer", "maximum": 23},
        {"type": "string", "pattern": "x"},
        {"type": "string", "format": "date"},
        {"type": "string", "minLength": 1},
        {"const": "x"},
        {"description": "No type."},
        {},
    ],
    ids=json.dumps,
)
def test_a_property_with_anything_else_is_refused(keyword: dict[str, Any]) -> None:
    """A property with any other keyword is rejected, however deep it is."""
    refused(taking(**keyword))
    refused(taking(type="array", items=keyword))
    refused(taking(type="object", properties={"below": keyword}))


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string"},
        {"type": "object", "title": "Arguments"},
        {"type": "object", "description": "Arguments"},
        {"type": "object", "$defs": {}},
        {"type": "object", "additionalProperties": False},
        {"type": "object", "$schema": "https://json-schema.org/draft/2020-12/schema"},
        {"type": "object", "properties": {}, "required": ["it"]},
        {"type": "object", "properties": {"it": True}},
        {"type": "object", "properties": []},
        {"type": "object", "required": "it"},
        {"type": "object", "required": [[]]},
    ],
    ids=json.dumps,
)
def test_a_schema_has_three_keys_at_its_top(schema: dict[str, Any]) -> None:
    """The top level of a schema has only its type, its properties and the required ones."""
    refused(schema)


def test_other_readings_can_be_chosen() -> None:
    """Settings select other readings, because the sources disagree on bounds of numbers."""
    hour = taking(type="integer", minimum=0, maximum=23)
    offer(tool(hour), reading="bounds")
    refused(taking(type="string", default="x"), "bounds")
    offer(tool(taking(anyOf=[{"type": "null"}])), reading="any")


def test_tools_have_names_of_their_own() -> None:
    """Two tools with one name, or a name with a space, are rejected."""
    with pytest.raises(StreamFault, match="Invalid input request"):
        offer(tool({"type": "object"}), tool({"type": "object"}))
    with pytest.raises(StreamFault, match="Malformed input request"):
        offer(tool({"type": "object"}, name="get weather"))
