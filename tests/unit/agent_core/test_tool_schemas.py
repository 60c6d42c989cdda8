"""Schemas of tools use only the keywords that the model is known to accept, whatever the signature."""

import inspect
from collections.abc import Callable, Iterator
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator  # type: ignore[import-untyped]
from pydantic import BaseModel, Field

from agent_core.errors import InvalidArguments
from agent_core.tools.arguments import arguments_of, schema_of
from agent_core.tools.goodbye import goodbye_tools
from agent_core.tools.registry import Tool
from agent_core.tools.schemas import KEYWORDS, plain
from agent_core.tools.transfer import transfer_tools
from agents.weather.weather_report import Forecast
from tests.support.agents import weather_tools


class NoWeather:
    """A source that no schema needs."""

    async def forecast(self, location: str) -> Forecast:
        """Fail: no test should ask for a forecast."""
        raise AssertionError(location)


class Colour(Enum):
    """Choices with names."""

    RED = "red"
    BLUE = "blue"


class Size(BaseModel):
    """A part with parts."""

    width: Annotated[float, Field(gt=0, le=9)]
    depth: int | None = None
    colour: Colour = Colour.RED


SHIPPED = [*weather_tools(NoWeather()), *goodbye_tools(), *transfer_tools(["Support", "Sales"])]

TYPES: list[tuple[Any, str, object]] = [
    (str, "string", "x"),
    (int, "integer", 3),
    (float, "number", 2.5),
    (int | float, "number", 2),
    (bool, "boolean", True),
    (Literal["a", "b"], "string", "b"),
    (Literal["only"], "string", "only"),
    (Literal[1, 2], "integer", 2),
    (Literal["a"] | Literal["b"], "string", "a"),  # noqa: PYI030 - the test is about a union of choices
    (Colour, "string", "blue"),
    (date, "string", "2026-01-31"),
    (list[str], "array", ["x"]),
    (list[Literal["a"]], "array", ["a"]),
    (list[list[int]], "array", [[1]]),
    (set[int], "array", [1]),
    (tuple[int, int], "array", [1, 2]),
    (dict[str, int], "object", {"k": 1}),
    (Size, "object", {"width": 1.5}),
    (list[Size], "array", [{"width": 1.5, "depth": 2}]),
    (Annotated[int, Field(ge=0, le=23)], "integer", 12),
    (Annotated[int, Field(gt=0, lt=9, multiple_of=2)], "integer", 4),
    (Annotated[str, Field(min_length=1, max_length=5, pattern="^x")], "string", "xy"),
    (Annotated[list[str], Field(min_length=1, max_length=3)], "array", ["x"]),
]


def schemas_in(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a schema and all schemas in it."""
    yield schema
    for part in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        yield from schemas_in(part)


def assert_plain(schema: dict[str, Any]) -> None:
    """Assert that a schema has nothing that the model might reject."""
    Draft7Validator.check_schema(schema)
    for part in schemas_in(schema):
        assert set(part) <= KEYWORDS
        assert isinstance(part["type"], str)
        assert None not in part.get("enum", [])
        assert set(part.get("required", ())) <= set(part.get("properties", {}))


def whole(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """Return the schema as it goes to the model."""
    return {"type": "object", "properties": properties, "required": required}


@pytest.mark.parametrize("tool", SHIPPED, ids=lambda tool: tool.spec.name)
def test_shipped_tools_have_plain_schemas(tool: Tool) -> None:
    """Each shipped tool uses only these keywords, and describes each argument."""
    assert_plain(whole(tool.spec.properties, tool.spec.required))
    assert all(one["description"] for one in tool.spec.properties.values())


def test_bounds_are_words_and_hold_on_our_side() -> None:
    """The description has the bounds of the hour, and the product rejects an hour outside them."""
    forecast = next(tool for tool in SHIPPED if tool.spec.name == "get_weather_forecast")
    assert forecast.spec.properties["hour"]["description"].endswith("(0 to 23)")
    with pytest.raises(InvalidArguments):
        forecast.check({"location": "Oslo", "day": "today", "format": "celsius", "hour": 24})


@given(
    st.lists(
        st.tuples(
            st.sampled_from(TYPES),
            st.booleans(),
            st.sampled_from(["required", "optional", "preset"]),
            st.sampled_from(["", "What it is"]),
        ),
        max_size=5,
    )
)
def test_any_signature_becomes_a_plain_schema(parts: list[tuple[tuple[Any, str, object], bool, str, str]]) -> None:
    """Whatever the types, nulls and defaults: plain keywords, and a value that the function accepts is valid."""
    named = [(f"argument{number}", *part) for number, part in enumerate(parts)]
    model = arguments_of(_function(named), {})
    properties, required = schema_of(model)
    assert_plain(whole(properties, required))
    assert [name for name, *_, how, _ in named if how == "required"] == required
    assert [properties[name]["type"] for name, *_ in named] == [kind for _, (_, kind, _), *_ in named]
    example = {name: value for name, (_, _, value), *_ in named}
    model.model_validate(example)
    Draft7Validator(whole(properties, required)).validate(example)


def _function(named: list[tuple[str, tuple[Any, str, object], bool, str, str]]) -> Callable[..., object]:
    """Make a function with these parameters."""

    def function(**_: object) -> None: ...

    parameters = []
    for name, (kind, _, value), nullable, how, description in named:
        hint: Any = kind | None if nullable else kind
        hint = Annotated[hint, Field(description=description)] if description else hint
        default = {"required": inspect.Parameter.empty, "optional": None, "preset": value}[how]
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=hint, default=default))
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {one.name: one.annotation for one in parameters}
    return function


@pytest.mark.parametrize("hint", [str | int, Any, list[Any], tuple[int, str], Literal["a", 1], None])
def test_what_cannot_be_said_is_refused_when_a_tool_is_made(hint: object) -> None:
    """A type that these keywords cannot express fails at start, not at a caller's first call."""
    model = arguments_of(_function([("argument", (hint, "", None), False, "required", "")]), {})
    with pytest.raises(ValueError, match="the model"):
        schema_of(model)


def test_a_schema_within_itself_is_refused() -> None:
    """A recursive schema is rejected: it has no finite form to send."""
    tree = {"type": "object", "properties": {"child": {"$ref": "#/$defs/Tree"}}}
    with pytest.raises(ValueError, match="Tree contains itself"):
        plain({"$defs": {"Tree": tree}, "$ref": "#/$defs/Tree"})
