"""The registry: every way a call can end is an answer, and what the model is told comes from the signature."""

import asyncio
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from agent_core.tools.registry import RATIONED_AT_ONCE, RATIONED_PER_MINUTE, Tool, ToolFailure, ToolRecord, ToolRegistry


async def pour(
    drink: Annotated[str, Field(description="What to pour", max_length=10)],
    size: Literal["small", "large"],
    count: Annotated[int | None, Field(ge=1, le=3, description="How many")] = None,
) -> dict[str, Any]:
    """Pour a drink into a cup.

    Not for the model.
    """
    if drink == "lava":
        code = "too_hot"
        raise ToolFailure(code)
    return {"poured": drink, "size": size, "count": count}


async def hang() -> dict[str, Any]:
    """Never answer."""
    await asyncio.Event().wait()
    return {}


async def crash() -> dict[str, Any]:
    """Show a bug."""
    empty: dict[str, str] = {}
    return {"answer": empty["nothing"]}


async def odd() -> dict[str, Any]:
    """Answer what is no JSON."""
    return {"answer": float("nan")}


async def inner_cancelled() -> dict[str, Any]:
    """Trip over a task of its own that was cancelled."""
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task
    return {}


def registry(records: list[ToolRecord] | None = None) -> ToolRegistry:
    """Give the tools above, with their records."""
    tools = [Tool(pour), Tool(hang, timeout=0.01, failure="bar_closed"), Tool(crash), Tool(odd), Tool(inner_cancelled)]
    return ToolRegistry(tools, on_call=None if records is None else records.append)


def test_signature_becomes_schema() -> None:
    """Types, choices, bounds, descriptions and which arguments are required all come from the function."""
    spec = registry().specs[0]
    assert (spec.name, spec.description, spec.required) == ("pour", "Pour a drink into a cup.", ["drink", "size"])
    assert spec.properties == {
        "drink": {"type": "string", "description": "What to pour", "maxLength": 10},
        "size": {"type": "string", "enum": ["small", "large"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 3, "description": "How many"},
    }


async def test_call_answers_with_the_value() -> None:
    """A good call gives what the function returned, with text turned into numbers where a model writes them so."""
    result = await registry().call("pour", {"drink": "tea", "size": "small", "count": "2"})
    assert (result.name, result.outcome) == ("pour", "ok")
    assert result.value == {"poured": "tea", "size": "small", "count": 2}
    assert result.elapsed_ms >= 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"drink": "tea"}, "size"),
        ({"drink": "tea", "size": "huge"}, "size"),
        ({"drink": "tea", "size": "small", "count": 9}, "count"),
        ({"drink": "tea", "size": "small", "sugar": True}, "sugar"),
        ({"drink": 5, "size": "small"}, "drink"),
        (["tea", "small"], "object"),
        ("tea", "object"),
        (None, "object"),
    ],
)
async def test_wrong_arguments_are_told_to_the_model(arguments: object, named: str) -> None:
    """The model learns which argument is wrong, so that it can call again."""
    result = await registry().call("pour", arguments)
    assert (result.outcome, result.value["error"]) == ("error", "invalid_arguments")
    assert named in result.value["detail"]


@pytest.mark.parametrize(
    ("name", "arguments", "outcome", "error"),
    [
        ("fly", {}, "unknown", "unknown_tool"),
        ("hang", {}, "timeout", "bar_closed"),
        ("crash", {}, "error", "tool_failed"),
        ("odd", {}, "error", "tool_failed"),
        ("inner_cancelled", {}, "cancelled", "cancelled"),
        ("pour", {"drink": "lava", "size": "small"}, "error", "too_hot"),
    ],
)
async def test_every_failure_is_an_answer(name: str, arguments: dict[str, str], outcome: str, error: str) -> None:
    """An unknown name, a hang, a bug, an answer that is no JSON, a code of the tool's own: none raises."""
    result = await registry().call(name, arguments)
    assert (result.outcome, result.value) == (outcome, {"error": error})


async def test_cancellation_passes_and_is_recorded() -> None:
    """A caller who interrupts stops the tool; the cancellation is not swallowed."""
    records: list[ToolRecord] = []
    tools = ToolRegistry([Tool(hang)], on_call=records.append)
    call = asyncio.create_task(tools.call("hang", {}))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert [(record.tool, record.outcome) for record in records] == [("hang", "cancelled")]


async def test_records_name_tool_outcome_and_cause() -> None:
    """Logs and metrics get one record a call, with no arguments, no answer and no name that the model made up."""
    records: list[ToolRecord] = []
    tools = registry(records)
    for name in ("pour", "crash", "call +1 900 555 0100"):
        await tools.call(name, {"drink": "tea", "size": "small"} if name == "pour" else {})
    assert [(record.tool, record.outcome, record.error) for record in records] == [
        ("pour", "ok", None),
        ("crash", "error", "tool_failed"),
        ("unknown", "unknown", "unknown_tool"),
    ]
    assert isinstance(records[1].cause, KeyError)
    assert "tea" not in repr(records)


def test_names_must_differ() -> None:
    """Two tools of one name would hide each other."""
    with pytest.raises(ValueError, match="same name"):
        ToolRegistry([Tool(hang), Tool(hang)])


async def test_one_conversation_uses_a_rationed_tool_so_often() -> None:
    """Some at once, then some a minute; what is above that is not done, and the model is told to wait."""
    now, poured = 0.0, list[str]()

    async def count(what: str) -> dict[str, Any]:
        """Count."""
        poured.append(what)
        return {"poured": what}

    async def free(what: str) -> dict[str, Any]:
        """Do not count."""
        return {"free": what}

    tools = ToolRegistry([Tool(count, rationed=True), Tool(free)], clock=lambda: now)
    other = ToolRegistry([Tool(count, rationed=True)], clock=lambda: now)
    outcomes = [await tools.call("count", {"what": "tea"}) for _ in range(50)]
    assert len(poured) == RATIONED_AT_ONCE
    assert outcomes[-1].value["error"] == "too_many_requests"
    assert (await tools.call("free", {"what": "tea"})).outcome == "ok"
    assert (await other.call("count", {"what": "tea"})).outcome == "ok", "another conversation has its own"
    poured.clear()
    for _ in range(600):
        now += 0.5
        await tools.call("count", {"what": "tea"})
    assert len(poured) == pytest.approx(5 * RATIONED_PER_MINUTE, abs=1)
