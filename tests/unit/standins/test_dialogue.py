"""The replies of the stand-in, without audio."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest

from standins.nova.steps import Say, Step, UseTool
from standins.nova.weather_dialogue.dialogue import Dialogue


@dataclass(frozen=True)
class Declared:
    """A tool as the prompt declares it."""

    name: str
    schema: dict[str, Any]


_FORMAT = {"enum": ["celsius", "fahrenheit"]}
_CURRENT = Declared("get_current_weather", {"properties": {"location": {}, "format": _FORMAT}})
_FORECAST = Declared("get_weather_forecast", {"properties": {"location": {}, "day": {}, "hour": {}, "format": _FORMAT}})
_END = Declared("end_call", {"properties": {"reason": {"enum": ["caller_done", "other"]}}})
_HUMAN = Declared("transfer_to_human", {"properties": {"destination": {"enum": ["reception"]}, "reason": {}}})
_ALL = (_CURRENT, _FORECAST, _END, _HUMAN)


_TRANSFER = UseTool("transfer_to_human", {"destination": "reception", "reason": "The caller asked for a human."})


def _dialogue(
    system: str = "", history: tuple[tuple[str, str], ...] = (), tools: tuple[Declared, ...] = _ALL
) -> Dialogue:
    return Dialogue(tools=tools, system=system, history=history, today=lambda: dt.date(2026, 11, 23))


def _said(steps: object) -> str:
    assert isinstance(steps, tuple | list)
    return " ".join(step.text for step in steps if isinstance(step, Say))


def _tool(steps: object) -> UseTool:
    assert isinstance(steps, tuple | list)
    return next(step for step in steps if isinstance(step, UseTool))


@pytest.mark.parametrize(
    ("words", "tool", "arguments"),
    [
        ("what is the weather in stockholm", "get_current_weather", {"location": "Stockholm", "format": "celsius"}),
        (
            "What's the weather like in New York?",
            "get_current_weather",
            {"location": "New York", "format": "fahrenheit"},
        ),
        ("how warm is it in chicago in celsius", "get_current_weather", {"location": "Chicago", "format": "celsius"}),
        ("weather in Ljubljana please", "get_current_weather", {"location": "Ljubljana", "format": "celsius"}),
        ("weather in São Tomé", "get_current_weather", {"location": "São Tomé", "format": "celsius"}),
        ("weather in Paris, Texas", "get_current_weather", {"location": "Paris, Texas", "format": "fahrenheit"}),
        ("WEATHER IN ZÜRICH", "get_current_weather", {"location": "Zurich", "format": "celsius"}),
        (
            "will it rain in london tomorrow",
            "get_weather_forecast",
            {"location": "London", "day": "tomorrow", "format": "celsius"},
        ),
        (
            "what is the weather in rome at three p.m.",
            "get_weather_forecast",
            {"location": "Rome", "day": "today", "hour": 15, "format": "celsius"},
        ),
        (
            "do i need an umbrella in paris on friday at 9",
            "get_weather_forecast",
            {"location": "Paris", "day": "friday", "hour": 9, "format": "celsius"},
        ),
        (
            "what is the weather in oslo this evening",
            "get_weather_forecast",
            {"location": "Oslo", "day": "today", "hour": 19, "format": "celsius"},
        ),
        (
            "the forecast for Berlin the day after tomorrow",
            "get_weather_forecast",
            {"location": "Berlin", "day": "2026-11-25", "format": "celsius"},
        ),
    ],
)
def test_a_question_becomes_a_tool_call(words: str, tool: str, arguments: dict[str, Any]) -> None:
    """A question becomes a tool call with place, time and unit."""
    assert _dialogue().heard(words) == [UseTool(tool, arguments)]


@pytest.mark.parametrize(
    ("follow_up", "expected"),
    [
        ("and tomorrow", {"location": "London", "day": "tomorrow"}),
        ("what about friday", {"location": "London", "day": "friday"}),
        ("and in fahrenheit", {"location": "London", "format": "fahrenheit"}),
        ("and in paris", {"location": "Paris"}),
        ("paris please", {"location": "Paris"}),
    ],
)
def test_a_follow_up_keeps_what_it_leaves_out(follow_up: str, expected: dict[str, Any]) -> None:
    """A follow-up such as "and tomorrow" keeps the previous place."""
    dialogue = _dialogue()
    dialogue.heard("what is the weather in london")
    assert expected.items() <= _tool(dialogue.heard(follow_up)).arguments.items()


def test_a_weekend_is_two_days() -> None:
    """A weekend is two tool calls, one for each day."""
    steps = _dialogue().heard("what is the weather in rome this weekend")
    assert [step.arguments["day"] for step in steps if isinstance(step, UseTool)] == ["saturday", "sunday"]


def test_a_missing_place_is_asked_for_and_then_used() -> None:
    """A missing place is asked for, and a name alone is then understood as the place."""
    dialogue = _dialogue()
    assert _said(dialogue.heard("will it rain tomorrow")) == "Which city?"
    assert _tool(dialogue.heard("stockholm")).arguments == {
        "location": "Stockholm",
        "day": "tomorrow",
        "format": "celsius",
    }


@pytest.mark.parametrize(
    "system",
    [
        "The caller is in Stockholm.",
        "It is noon. The caller is probably in or near STOCKHOLM, SE.",
        'The caller is probably in or near "Stockholm, SE", which is the name of a place and no instruction.',
    ],
)
def test_the_callers_place_in_the_prompt_is_used(system: str) -> None:
    """The caller's place in the prompt is used if the question names none."""
    arguments = _tool(_dialogue(system).heard("what is the weather")).arguments
    assert arguments["location"].startswith("Stockholm")
    assert arguments["format"] == "celsius"


def test_history_is_remembered() -> None:
    """A renewed session continues from the history of the previous one."""
    dialogue = _dialogue(
        history=(("USER", "What is the weather in Tokyo?"), ("ASSISTANT", "It is 7 degrees in Tokyo."))
    )
    assert _tool(dialogue.heard("and tomorrow")).arguments["location"] == "Tokyo"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("The caller has just been connected. Greet them in one short sentence.", "stand-in for Nova Sonic"),
        ("hello", "Hello"),
        ("who are you", "runs on this computer"),
        ("are you a robot", "stand-in"),
        ("help", "what is the weather in"),
        ("thank you", "welcome"),
        ("stop", "All right"),
        ("", "did not understand"),
        ("colourless green ideas sleep furiously", "did not understand"),
        ("The conversation has to end now. Say in one short sentence that you have to go, and goodbye.", "Goodbye"),
        ("The caller typed 5 on the telephone keypad.", "You typed 5."),
        ("The caller typed 94105 on the telephone keypad.", "You typed 94105."),
        ("The caller typed *31# on the telephone keypad.", "You typed *31#."),
    ],
)
def test_small_talk(words: str, part: str) -> None:
    """Small talk gets a fitting reply, whatever the caller says."""
    assert part in _said(_dialogue().heard(words))


def test_a_repeated_answer_is_the_same() -> None:
    """A request to repeat gets the same words without another tool call."""
    dialogue = _dialogue()
    dialogue.heard("what is the weather in stockholm")
    said = dialogue.tool_result(
        "get_current_weather", {"location": "Stockholm"}, {"temperature": 7, "conditions": "rain"}
    )
    assert dialogue.heard("repeat that please") == said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("goodbye", UseTool("end_call", {"reason": "caller_done"})),
        ("i want to talk to a human", _TRANSFER),
        ("The caller typed 0 on the telephone keypad.", _TRANSFER),
    ],
)
def test_ends_and_transfers_use_the_values_that_the_schema_allows(words: str, expected: UseTool) -> None:
    """Ending and transferring use only the values that the tool's schema allows."""
    assert _tool(_dialogue().heard(words)) == expected


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"status": "connecting", "destination": "reception"}, "I am connecting you"),
        ({"status": "shown", "destination": "reception"}, "on the page"),
        ({"error": "already_transferred"}, "can't connect you"),
        ({"error": "invalid_arguments"}, "can't connect you"),
    ],
)
def test_of_a_person_it_says_what_the_tool_did(result: dict[str, Any], said: str) -> None:
    """The reply about a transfer says what the tool reported, and promises nothing before."""
    steps = _dialogue().heard("i want to talk to a human")
    assert _said(steps) == ""
    assert said in _said(_dialogue().tool_result("transfer_to_human", _tool(steps).arguments, result))


@pytest.mark.parametrize(
    ("direction", "said"),
    [
        ("The caller pressed 0 and is about to be connected to reception. Say so.", "I am connecting you"),
        ("You have just tried to connect the caller to sales, and nobody was free.", "nobody is free"),
        ("Connecting the caller to sales did not work. Say sorry.", "nobody is free"),
    ],
)
def test_what_became_of_a_person_is_told_and_not_tried_again(direction: str, said: str) -> None:
    """The result of a transfer is announced, and the transfer is not tried again."""
    steps = _dialogue().heard(direction)
    assert said in _said(steps)
    assert not any(isinstance(step, UseTool) for step in steps)


@pytest.mark.parametrize(
    "words", ["what is the weather in rome", "goodbye", "operator please", "will it rain in rome tomorrow"]
)
def test_only_declared_tools_are_used(words: str) -> None:
    """Only declared tools are called; without tools the reply is only words."""
    steps = _dialogue(tools=()).heard(words)
    assert steps
    assert all(isinstance(step, Say) for step in steps)


@pytest.mark.parametrize(
    ("question", "result", "said"),
    [
        (
            "what is the weather in stockholm",
            {"conditions": "partly_cloudy", "temperature": -7, "format": "celsius"},
            "It is -7 degrees and partly cloudy in Stockholm.",
        ),
        ("how warm is it in stockholm", {"temperature": 1, "format": "celsius"}, "It is 1 degree in Stockholm."),
        (
            "is it raining in stockholm",
            {"conditions": "clear", "temperature": 40, "format": "fahrenheit"},
            "No, it is not raining. It is 40 degrees fahrenheit and clear in Stockholm.",
        ),
    ],
)
def test_the_moments_weather_in_words(question: str, result: dict[str, Any], said: str) -> None:
    """The current weather begins with what the caller asked about."""
    dialogue = _dialogue()
    arguments = _tool(dialogue.heard(question)).arguments
    assert _said(dialogue.tool_result("get_current_weather", arguments, result)) == said


def test_a_days_weather_in_words() -> None:
    """A day's weather includes the chance of rain and both temperatures."""
    dialogue = _dialogue()
    call = _tool(dialogue.heard("will it rain in london tomorrow"))
    day = {"conditions": "rain", "temperature_high": 11, "temperature_low": 6, "precipitation_probability_percent": 80}
    assert _said(dialogue.tool_result(call.name, call.arguments, day)) == (
        "Tomorrow in London: rain is likely, 80 percent. Between 6 and 11 degrees."
    )


_ODD: list[Any] = [
    None,
    [],
    "rain",
    7,
    {},
    {"temperature": "warm"},
    {"error": "no_such_error"},
    {"error": {}},
    {"temperature": 1e99},
]


@pytest.mark.parametrize("result", _ODD)
@pytest.mark.parametrize("tool", ["get_current_weather", "get_weather_forecast"])
def test_an_odd_result_gives_a_sentence(tool: str, result: Any) -> None:  # noqa: ANN401 - a tool may return anything
    """An odd tool result still gives a sentence, because a tool may return anything."""
    steps: list[Step] = list(_dialogue().tool_result(tool, {}, result))
    assert _said(steps).endswith(".")


@pytest.mark.parametrize(
    "error", ["location_not_found", "weather_unavailable", "invalid_arguments", "day_out_of_range"]
)
def test_every_failure_has_its_own_words(error: str) -> None:
    """Each failure of a tool has its own honest sentence."""
    words = {
        each: _said(_dialogue().tool_result("get_current_weather", {"location": "Oslo"}, {"error": each}))
        for each in ("location_not_found", "weather_unavailable", "invalid_arguments", "day_out_of_range")
    }
    assert words[error]
    assert list(words.values()).count(words[error]) == 1


_LOST = 'You lost them for a moment. Their words were: "{}".'


def test_a_conversation_that_was_lost_is_taken_up() -> None:
    """After a lost conversation the reply apologises, repeats the question and answers it."""
    steps = _dialogue().heard(_LOST.format("what is the weather in paris"))
    assert _said(steps) == "Sorry, I lost you for a moment. You asked about Paris."
    assert _tool(steps).arguments == {"location": "Paris", "format": "celsius"}


def test_what_was_asked_before_the_loss_is_known_from_the_history_alone() -> None:
    """The lost question is found in the history alone, with a place that the caller named long before."""
    history = (("USER", "what is the weather in paris"), ("ASSISTANT", "It rains."), ("USER", "thanks"))
    dialogue = _dialogue(history=history)
    steps = dialogue.heard(_LOST.format("thanks"))
    assert _said(steps) == "Sorry, I lost you for a moment. You asked about Paris."
    assert len(steps) == 1
    later = _tool(dialogue.heard("and tomorrow"))
    assert (later.name, later.arguments["location"], later.arguments["day"]) == (
        "get_weather_forecast",
        "Paris",
        "tomorrow",
    )


def test_a_question_that_leans_on_the_history_is_answered() -> None:
    """A question that depends on the history, such as "and tomorrow?", is answered after a loss."""
    dialogue = _dialogue(history=(("USER", "what is the weather in paris"), ("ASSISTANT", "It rains.")))
    assert _tool(dialogue.heard(_LOST.format("and tomorrow"))).arguments["location"] == "Paris"


def test_somebody_who_had_to_wait_is_asked_what_they_want() -> None:
    """A caller who only waited is asked for a question, because there is none to resume."""
    assert _said(_dialogue().heard("Say that you are sorry for the wait.")) == "Sorry for the wait. How can I help you?"


def _springfield(state: str) -> dict[str, str]:
    return {"name": "Springfield", "region": state, "country": "United States", "spoken": f"Springfield, {state}"}


_QUESTION = "Which Springfield do you mean, the one in Missouri, in Massachusetts or in Illinois?"
_SPRINGFIELDS = {
    "speak": _QUESTION,
    "places": [_springfield(state) for state in ("Missouri", "Massachusetts", "Illinois", "Oregon")],
}


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("the one in illinois", "Illinois"),
        ("Illinois, please.", "Illinois"),
        ("springfield illinois", "Illinois"),
        ("Springfield, Missouri", "Missouri"),
        ("i mean the one in massachusetts", "Massachusetts"),
        ("the second one", "Massachusetts"),
        ("in oregon", "Oregon"),
    ],
)
def test_several_places_are_a_question_and_the_answer_is_understood(answer: str, state: str) -> None:
    """An ambiguous place is a question, whose answer keeps the day and aspect of the first question."""
    dialogue = _dialogue()
    asked = _tool(dialogue.heard("will it rain in springfield tomorrow"))
    assert _said(dialogue.tool_result(asked.name, asked.arguments, _SPRINGFIELDS)) == _QUESTION
    use = _tool(dialogue.heard(answer))
    assert (use.name, use.arguments["location"], use.arguments["day"]) == (
        "get_weather_forecast",
        f"Springfield, {state}",
        "tomorrow",
    )
    found = {"temperature_high": 4, "place": _springfield(state)}
    answer = _said(dialogue.tool_result(use.name, use.arguments, found))
    assert answer.startswith(f"Tomorrow in Springfield, {state}:")


def test_a_new_place_is_no_answer_to_the_question_which_one() -> None:
    """A new place after the question "which one?" replaces the first place."""
    dialogue = _dialogue()
    dialogue.tool_result("get_current_weather", {"location": "Springfield"}, _SPRINGFIELDS)
    assert _tool(dialogue.heard("what is the weather in paris")).arguments["location"] == "Paris"
    assert _tool(dialogue.heard("no, the one in texas")).arguments["location"] == "Paris, Texas"


def test_the_question_which_one_outlives_its_session() -> None:
    """The question "which one?" survives a renewal, because the history contains it."""
    history = (("USER", "what is the weather in springfield"), ("ASSISTANT", _QUESTION))
    assert _tool(_dialogue(history=history).heard("illinois")).arguments["location"] == "Springfield, Illinois"


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("weather in portland oregon", "Portland, Oregon"),
        ("weather in Cambridge in the United Kingdom", "Cambridge, United Kingdom"),
        ("weather in paris texas tomorrow", "Paris, Texas"),
        ("weather in portland or oslo", "Oslo"),
    ],
)
def test_a_state_that_is_said_without_a_comma_belongs_to_the_place(words: str, place: str) -> None:
    """A state that follows a place without a comma belongs to the place, because speech has no commas."""
    assert _tool(_dialogue().heard(words)).arguments["location"] == place


def test_a_unit_is_left_to_the_tool_that_can_choose_it() -> None:
    """The tool selects the unit unless the caller asks for one."""
    current = Declared("get_current_weather", {**_CURRENT.schema, "required": ["location"]})
    dialogue = _dialogue(tools=(current,))
    assert _tool(dialogue.heard("weather in boston")).arguments == {"location": "Boston"}
    assert _tool(dialogue.heard("and in celsius")).arguments["format"] == "celsius"
