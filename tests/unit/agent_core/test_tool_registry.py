"""The registry: every outcome of a call is an answer, and the signature defines what the model sees."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Literal

import orjson
import pytest
from pydantic import Field

from agent_core.tools.goodbye import goodbye_tools
from agent_core.tools.registry import (
    GRACE_SECONDS,
    MAX_TIMEOUT,
    RATIONED_AT_ONCE,
    RATIONED_PER_MINUTE,
    Tool,
    ToolFailure,
    ToolRecord,
    ToolRegistry,
)
from agent_core.tools.repeats import WINDOW_SECONDS, Repeats
from agent_core.tools.transfer import transfer_tools
from agents.weather.weather_report import Forecast
from tests.support.agents import weather_tools


class NoWeather:
    """A source that no test asks."""

    async def forecast(self, location: str) -> Forecast:
        """Fail: no test should ask for a forecast."""
        raise AssertionError(location)


async def pour(
    drink: Annotated[str, Field(description="What to pour", max_length=10)],
    size: Literal["small", "large"],
    count: Annotated[int | None, Field(ge=1, le=3, description="How many")] = None,
) -> dict[str, Any]:
    """Pour a drink into a cup.

    The model does not get this line.
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
    """Raise as a bug would."""
    empty: dict[str, str] = {}
    return {"answer": empty["nothing"]}


async def odd() -> dict[str, Any]:
    """Return a value that is not JSON."""
    return {"answer": float("nan")}


async def half_a_character() -> dict[str, Any]:
    """Return text that the wire cannot carry."""
    return {"answer": "\ud83d"}


async def huge() -> dict[str, Any]:
    """Return a number that the wire cannot carry."""
    return {"answer": 2**70}


async def listed() -> Any:  # noqa: ANN401 - its annotation hides the type that it returns
    """Return a list."""
    return ["sunny"]


async def inner_cancelled() -> dict[str, Any]:
    """Await a task of its own that was cancelled."""
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task
    return {}


def registry(records: list[ToolRecord] | None = None) -> ToolRegistry:
    """Return the tools above, with their records."""
    plain = [Tool(one) for one in (pour, crash, odd, half_a_character, huge, listed, inner_cancelled)]
    tools = [*plain, Tool(hang, timeout=0.01, failure="bar_closed")]
    return ToolRegistry(tools, on_call=None if records is None else records.append)


def test_signature_becomes_schema() -> None:
    """Types, choices, bounds, descriptions and required arguments all come from the function."""
    spec = registry().specs[0]
    assert (spec.name, spec.description, spec.required) == ("pour", "Pour a drink into a cup.", ["drink", "size"])
    assert spec.properties == {
        "drink": {"type": "string", "description": "What to pour (at most 10 characters)"},
        "size": {"type": "string", "enum": ["small", "large"]},
        "count": {"type": "integer", "description": "How many (1 to 3)"},
    }


async def test_call_answers_with_the_value() -> None:
    """A valid call returns the function's value; text is converted to numbers where a model writes them so."""
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
        ("half_a_character", {}, "error", "tool_failed"),
        ("huge", {}, "error", "tool_failed"),
        ("listed", {}, "error", "tool_failed"),
        ("inner_cancelled", {}, "cancelled", "cancelled"),
        ("pour", {"drink": "lava", "size": "small"}, "error", "too_hot"),
    ],
)
async def test_every_failure_is_an_answer(name: str, arguments: dict[str, str], outcome: str, error: str) -> None:
    """An unknown name, a hang, a bug, an answer that is not JSON, a code of the tool's own: none raises."""
    result = await registry().call(name, arguments)
    assert (result.outcome, result.value.pop("error")) == (outcome, error)
    assert result.value.keys() == {"next"}


async def test_cancellation_passes_and_is_recorded() -> None:
    """A caller who interrupts stops the tool, and the cancellation is not swallowed."""
    records: list[ToolRecord] = []
    tools = ToolRegistry([Tool(hang)], on_call=records.append)
    call = asyncio.create_task(tools.call("hang", {}))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert [(record.tool, record.outcome) for record in records] == [("hang", "cancelled")]


async def test_records_name_tool_outcome_and_cause() -> None:
    """Each call leaves one record, with no arguments, no answer and no name that the model made up."""
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
    """Two tools cannot have one name, since one would hide the other."""
    with pytest.raises(ValueError, match="same name"):
        ToolRegistry([Tool(hang), Tool(hang)])


async def listed_openly() -> list[str]:
    """Return a list, and declare it."""
    return ["sunny"]


def test_a_tool_that_promises_no_object_is_refused() -> None:
    """The model gets results as JSON objects; a known violation fails when the service starts."""
    with pytest.raises(TypeError, match="listed_openly: a tool returns an object"):
        Tool(listed_openly)  # type: ignore[arg-type]


async def test_an_answer_without_an_object_names_its_type() -> None:
    """An answer that is not an object is logged with its type, for the tool's author."""
    records: list[ToolRecord] = []
    await registry(records).call("listed", {})
    assert "list instead of an object" in str(records[0].cause)


@pytest.mark.parametrize(
    "arguments",
    [{"drink": "tea", "size": "small", "x" * 9000: 1}, {"drink": "tea", "size": "small", "\ud83d": 1}],
    ids=["long", "half a character"],
)
async def test_an_error_is_short_and_fit_for_the_wire(arguments: dict[str, object]) -> None:
    """A name that the model made up is repeated to it, but shortened and cleaned."""
    result = await registry().call("pour", arguments)
    assert result.value["error"] == "invalid_arguments"
    assert len(orjson.dumps(result.value)) < 1000


@pytest.mark.parametrize("timeout", [0, -1, 50.1, 60, float("inf"), float("nan")])
def test_a_tool_that_outlasts_the_model_is_refused(timeout: float) -> None:
    """The model ends a stream after 55 s without audio, so a slower tool would lose its answer."""
    with pytest.raises(ValueError, match="hang: a tool may take"):
        Tool(hang, timeout=timeout)


def test_shipped_tools_end_before_the_model_gives_up() -> None:
    """A tool's timeout plus a grace is well below the shortest idle limit of a model."""
    assert MAX_TIMEOUT + GRACE_SECONDS < 55
    shipped = [*weather_tools(NoWeather()), *goodbye_tools(), *transfer_tools(["Support"])]
    assert all(tool.timeout <= MAX_TIMEOUT for tool in shipped)


async def test_a_tool_that_ignores_its_time_is_left_behind() -> None:
    """A tool that swallows its cancellation does not delay the answer to the model."""

    async def stubborn() -> dict[str, Any]:
        """Keep running."""
        for _ in range(3):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        return {}

    result = await ToolRegistry([Tool(stubborn, timeout=2, failure="slow")]).call("stubborn", {})
    assert (result.outcome, result.value["error"]) == ("timeout", "slow")
    assert result.elapsed_ms < 10_000


class Counter:
    """A tool that counts its calls, and answers when the test lets it."""

    def __init__(self) -> None:
        self.asked = 0
        self.cancelled = 0
        self.go = asyncio.Event()
        self.tools = ToolRegistry([Tool(self.count), Tool(crash)])

    async def count(self, of: str = "", fail: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - a tool's own
        """Count the call."""
        self.asked += 1
        number = self.asked
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if fail:
            code = "cannot_count"
            raise ToolFailure(code)
        return {"number": number, "of": [of]}


async def test_identical_requests_at_once_are_one() -> None:
    """If the model makes the same request twice, the second one waits for the answer to the first."""
    counter = Counter()
    calls = [asyncio.create_task(counter.tools.call("count", one)) for one in ({"of": "a"}, {"fail": "no", "of": "a"})]
    other = asyncio.create_task(counter.tools.call("count", {"of": "b"}))
    await asyncio.sleep(0)
    counter.go.set()
    first, second = [await call for call in calls]
    assert first.value == second.value == {"number": 1, "of": ["a"]}
    assert (await other).value["number"] == 2
    assert counter.asked == 2
    first.value["of"].append("spoilt")
    assert second.value["of"] == ["a"]


async def test_an_answer_stands_until_the_caller_speaks() -> None:
    """In one turn the same request has the same answer, failures included; after the turn it is made again."""
    counter = Counter()
    counter.go.set()
    for fail in (False, True):
        before = counter.asked
        results = [await counter.tools.call("count", {"fail": fail}) for _ in range(3)]
        assert counter.asked == before + 1
        assert results[0].value == results[1].value == results[2].value
        counter.tools.new_turn()
        await counter.tools.call("count", {"fail": fail})
        assert counter.asked == before + 2


async def test_an_answer_does_not_stand_for_ever() -> None:
    """A caller who listens for long, and an agent that asks unprompted, get a current answer."""
    counter = Counter()
    counter.go.set()
    await counter.tools.call("count", {})
    await asyncio.sleep(WINDOW_SECONDS - 1)
    await counter.tools.call("count", {})
    assert counter.asked == 1
    await asyncio.sleep(1.1)
    await counter.tools.call("count", {})
    assert counter.asked == 2


async def test_a_tool_that_acts_is_asked_each_time() -> None:
    """A transfer that failed is not in progress: the answer of an action says nothing about the next call."""
    counter = Counter()
    tools = ToolRegistry([Tool(counter.count, acts=True)])
    calls = [asyncio.create_task(tools.call("count", {})) for _ in range(2)]
    await asyncio.sleep(0)
    counter.go.set()
    assert [(await call).value["number"] for call in calls] == [1, 1]
    assert (await tools.call("count", {})).value["number"] == 2


async def test_one_who_leaves_takes_no_answer_from_another() -> None:
    """A cancelled call ends a shared request only if no other call waits for it."""
    counter = Counter()
    leaver, stayer = [asyncio.create_task(counter.tools.call("count", {})) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.wait({leaver})
    assert (leaver.cancelled(), counter.cancelled) == (True, 0)
    counter.go.set()
    assert (await stayer).value["number"] == 1


async def test_the_last_who_leaves_ends_the_request() -> None:
    """A request without a waiting call is cancelled, and the next one is made anew."""
    counter = Counter()
    calls = [asyncio.create_task(counter.tools.call("count", {})) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)
    assert counter.cancelled == 1
    counter.go.set()
    assert (await counter.tools.call("count", {})).value["number"] == 2


async def test_conversations_share_no_answers() -> None:
    """Conversations share no answers: what one caller got is not for another."""
    counter = Counter()
    counter.go.set()
    other = ToolRegistry([Tool(counter.count)])
    await counter.tools.call("count", {})
    assert (await other.call("count", {})).value["number"] == 2


async def test_answers_kept_are_bounded() -> None:
    """The kept answers are bounded, so a model that makes many requests does not fill the memory."""
    repeats: Repeats[int] = Repeats()

    async def ask(number: int) -> int:
        return number

    for number in range(100):
        assert await repeats.answer(str(number), partial(ask, number), seconds=1, keep=True) == number
    assert await repeats.answer("99", partial(ask, -1), seconds=1, keep=True) == 99
    assert await repeats.answer("0", partial(ask, -1), seconds=1, keep=True) == -1


async def test_one_conversation_uses_a_rationed_tool_so_often() -> None:
    """The limit is a burst and a rate per minute; above it the tool does not run, and the model is asked to wait."""
    now, poured = 0.0, list[str]()

    async def count(what: str) -> dict[str, Any]:
        """Count the call."""
        poured.append(what)
        return {"poured": what}

    async def free(what: str) -> dict[str, Any]:
        """Do not count the call."""
        return {"free": what}

    tools = ToolRegistry([Tool(count, rationed=True), Tool(free)], clock=lambda: now)
    other = ToolRegistry([Tool(count, rationed=True)], clock=lambda: now)
    outcomes = [await tools.call("count", {"what": f"tea {number}"}) for number in range(50)]
    assert len(poured) == RATIONED_AT_ONCE
    assert outcomes[-1].value["error"] == "too_many_requests"
    assert (await tools.call("free", {"what": "tea"})).outcome == "ok"
    assert (await other.call("count", {"what": "tea"})).outcome == "ok", "another conversation has its own"
    poured.clear()
    for number in range(600):
        now += 0.5
        await tools.call("count", {"what": f"coffee {number}"})
    assert len(poured) == pytest.approx(5 * RATIONED_PER_MINUTE, abs=1)
