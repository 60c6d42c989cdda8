"""Tool results as other libraries wrap them, each from a recorded one."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from standins.nova.results import unwrapped
from standins.nova.steps import Say
from standins.nova.weather_dialogue.dialogue import CURRENT, Dialogue

WEATHER = {"location": "Paris", "temperature": 21, "conditions": "partly_cloudy", "format": "celsius"}
ARGUMENTS = {"location": "Paris", "format": "celsius"}


@pytest.mark.parametrize(
    "result",
    [
        WEATHER,
        {"json": WEATHER},
        {"text": '{"location": "Paris", "temperature": 21, "conditions": "partly_cloudy", "format": "celsius"}'},
        {"tool_result": str(WEATHER)},
        {"content": [{"json": WEATHER}, {"text": "as of noon"}]},
    ],
    ids=["pipecat", "strands json", "strands text", "livekit dictionary", "strands blocks"],
)
def test_an_object_is_found_in_what_a_library_wraps_it_in(result: object) -> None:
    """An object is found in each library's wrapper."""
    assert unwrapped(result) == WEATHER


@pytest.mark.parametrize(
    "result",
    [
        {"error": "timeout"},
        {"status": "shown"},
        {"text": "a", "more": "b"},
        {},
        [],
        None,
        7,
        {"content": []},
        {"json": 5},
    ],
)
def test_what_is_no_wrapping_stays(result: Any) -> None:  # noqa: ANN401 - results have any shape
    """A result without a wrapper, such as an error, stays unchanged."""
    assert unwrapped(result) in (result, [], 5)


@pytest.mark.parametrize("result", [{"text": "{'a': __import__('os')}"}, {"text": "[" * 5000}, {"text": "{" * 5000}])
def test_text_that_only_looks_like_an_object_stays_text(result: dict[str, str]) -> None:
    """Text that only resembles an object stays text; parsing runs no code and has a size limit."""
    assert unwrapped(result) == result["text"]


def test_wrappings_without_end_are_left() -> None:
    """Only a few nested wrappers are opened."""
    result: object = WEATHER
    for _ in range(50):
        result = {"json": result}
    assert isinstance(unwrapped(result), dict)


def said(result: object) -> str:
    """Return the dialogue's sentence for a result."""
    tool = SimpleNamespace(name=CURRENT, schema={})
    dialogue = Dialogue(tools=[tool], system="", history=[], today=lambda: dt.date(2026, 11, 29))
    (step,) = dialogue.tool_result(CURRENT, ARGUMENTS, result)
    assert isinstance(step, Say)
    return step.text


def test_wrapped_weather_is_told_as_weather() -> None:
    """Wrapped weather is announced like weather, with each library's wrapper."""
    assert said({"tool_result": str(WEATHER)}) == said(WEATHER) == "It is 21 degrees and partly cloudy in Paris."


def test_prose_is_read_out_in_one_breath() -> None:
    """A tool's sentence is read out, and a long text is shortened."""
    assert said({"tool_result": "It is sunny,\n 21 degrees."}) == "It is sunny, 21 degrees."
    assert len(said({"text": "sunny " * 1000})) <= 200
