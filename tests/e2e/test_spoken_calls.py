"""A person asks a question over the telephone and hears the reply: real speech in both directions."""

import wave
from collections.abc import Iterator
from math import floor
from pathlib import Path
from typing import Any

import httpx
import pytest

from standins.speech import contains
from tests.support.whole_product import Product, running

QUESTIONS = {
    "what is the weather in New York": ("New York", "get_current_weather"),
    "will it rain in London tomorrow": ("London", "get_weather_forecast"),
}
"""A question for each of the two tools."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Run the whole product, once for all calls here."""
    with running(tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest.fixture(scope="module")
def calls(product: Product) -> dict[str, dict[str, Any]]:
    """Return the results of one call per question, all at the same time."""
    before = {question: _source(product, place) for question, (place, _) in QUESTIONS.items()}
    sentence = "{" + "|".join(QUESTIONS) + "}"
    options = ("--calls", str(len(QUESTIONS)), "--say", sentence, "--save", "answer.wav", "--late", "60s")
    code, calls, complaints = product.call(*options)
    assert code == 0, complaints
    return {call["turns"][0]["label"]: call | {"before": before[call["turns"][0]["label"]]} for call in calls}


@pytest.mark.journey
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_caller_hears_what_the_weather_source_said(
    product: Product, calls: dict[str, dict[str, Any]], question: str
) -> None:
    """The returned audio has the source's numbers, as read by an independent recogniser."""
    place, tool = QUESTIONS[question]
    call = calls[question]
    assert [use["name"] for use in call["model"]["tools"]] == [tool]
    assert call["model"]["tools"][0]["input"]["location"] == place
    answer = call["transcripts"][-1]
    # The simulated weather changes: the values from before the call may differ now.
    known = [_numbers(source, call["model"]["tools"][0]) for source in (call["before"], _source(product, place))]
    said = [all(contains(answer, str(number)) for number in numbers) for numbers in known]
    assert any(said), f"neither of {known} is in: {answer}"
    assert contains(answer, place), answer


def _source(product: Product, place: str) -> dict[str, Any]:
    """Query the weather service itself, not the tool."""
    weather = product.state["weather"]
    found = httpx.get(weather["geocoding_url"], params={"name": place, "count": 10}).json()["results"]
    town = max(found, key=lambda one: one.get("population", 0))
    query = {
        # To a kilometre, as the agent asks.
        "latitude": round(town["latitude"], 2),
        "longitude": round(town["longitude"], 2),
        "current": "temperature_2m",
        "daily": "temperature_2m_max,temperature_2m_min",
        "timezone": "auto",
    }
    answer: dict[str, Any] = httpx.get(weather["forecast_url"], params=query).json()
    return answer


def _numbers(answer: dict[str, Any], use: dict[str, Any]) -> list[int]:
    if use["name"] == "get_current_weather":
        return [_fahrenheit(answer["current"]["temperature_2m"])]
    day = answer["daily"]["time"].index(use["result"]["day"])
    return [_fahrenheit(answer["daily"][name][day]) for name in ("temperature_2m_max", "temperature_2m_min")]


def _fahrenheit(celsius: float) -> int:
    """Convert what the source said, for a caller with an American number, and round half up.

    The source itself converts before it rounds to a tenth, which gives another whole degree for one value in eleven.
    """
    return floor(celsius * 9 / 5 + 32 + 0.5)


@pytest.mark.journey
def test_the_saved_answer_is_whole_and_not_clipped(product: Product, calls: dict[str, dict[str, Any]]) -> None:
    """The recording is an ordinary one of the line: 8 kHz, mono, complete, and neither too quiet nor too loud."""
    assert calls
    with wave.open(str(product.folder / "answer-1.wav")) as recording:
        assert (recording.getframerate(), recording.getnchannels(), recording.getsampwidth()) == (8000, 1, 2)
        samples = memoryview(recording.readframes(recording.getnframes())).cast("h")
    assert len(samples) > 4 * 8000
    assert 4000 < max(samples) < 32100


@pytest.mark.journey
def test_every_call_left_one_record(product: Product, calls: dict[str, dict[str, Any]]) -> None:
    """The service's log has one record for each call, and none of its words."""
    records = [line for line in product.log() if line["event"] == "session_ended"]
    mine = [record for record in records if record["call_sid"] in {call["call_sid"] for call in calls.values()}]
    assert len(mine) == len(calls)
    assert {record["reason"] for record in mine} == {"caller_hung_up"}
    assert [line for line in product.log() if line.get("level") == "error"] == []


def test_a_conversation_with_an_interruption(product: Product) -> None:
    """The second of three turns interrupts the first reply, and the third needs the history to be understood."""
    code, calls, complaints = product.call(
        *("--say", "what is the weather in Stockholm"),
        *("--say", "what is the weather in Paris"),
        *("--say", "and tomorrow"),
        *("--barge-in", "1.2s"),
    )
    assert code == 0, complaints
    [call] = calls
    assert [event["event"] for event in call["timeline"]].count("clear") >= 2
    uses = call["model"]["tools"]
    assert uses[-1]["name"] == "get_weather_forecast"
    assert (uses[-1]["input"]["location"], uses[-1]["input"]["day"]) == ("Paris", "tomorrow")
    assert contains(call["transcripts"][-1], str(uses[-1]["result"]["temperature_high"])), call["transcripts"]


def test_a_caller_is_asked_which_place_is_meant(product: Product) -> None:
    """The agent asks which place is meant, understands the reply, and names the state with the weather."""
    code, calls, complaints = product.call(
        "--say", "what is the weather in springfield", "--say", "the one in illinois", "--late", "60s"
    )
    assert code == 0, complaints
    [call] = calls
    first, second = call["model"]["tools"]
    assert len(first["result"]["places"]) > 1
    assert (second["input"]["location"], second["result"]["format"]) == ("Springfield, Illinois", "fahrenheit")
    assert contains(call["transcripts"][-1], "springfield illinois"), call["transcripts"]


def test_a_recording_a_postcode_and_a_goodbye(product: Product, recorded_question: Path) -> None:
    """A WAV is the caller's voice, typed keys are one input, and the agent ends the call after the goodbye."""
    code, calls, complaints = product.call("--wav", str(recorded_question), "--dtmf", "94105#", "--say", "goodbye")
    assert code == 0, complaints
    [call] = calls
    assert [use["name"] for use in call["model"]["tools"]] == ["get_current_weather", "end_call"]
    typed = [heard["text"] for heard in call["model"]["heard"] if "typed" in heard["text"]]
    assert typed == ["The caller typed 94105 on the telephone keypad."]
    ended = next(event for event in call["timeline"] if event["event"] == "ended")
    assert ended["reason"] != "caller_hung_up"
    record = next(
        line for line in product.log() if line["event"] == "session_ended" and line["call_sid"] == call["call_sid"]
    )
    assert record["reason"] == "agent_ended"


@pytest.fixture
def recorded_question() -> Path:
    """Return a recording of a question about the weather in Paris."""
    return Path(__file__).parents[1] / "fixtures/speech/what_is_the_weather_in_paris.wav"


def test_an_expectation_that_is_not_met_fails(product: Product) -> None:
    """An unmet expectation fails with an exit code and a sentence, so the check can fail."""
    code, [call], _ = product.call("--say", "hello", "--expect-tool", "get_current_weather", "--timeout", "30s")
    assert code == 1
    [complaint] = call["failures"]
    assert "get_current_weather" in complaint
