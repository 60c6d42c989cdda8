"""What the model reads follows AWS's prompting guide for Nova 2.5 Sonic: it may speak anything in its context.

The guide is `Nova_Sonic_2.5_Prompting_Guide.md` in AWS's repository amazon-nova-samples, as of October 2026.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import structlog

from agent_core import prompts
from agent_core.agent_runtime import AgentRuntime
from agent_core.conversation.signals import RefuseTransfer, TransferWanted
from agent_core.conversation.state import ConversationRules, ConversationState
from agent_core.conversation.transfers import Transfers
from agent_core.errors import ConfigurationError, ModelRejected, UpstreamError
from agent_core.nova.stream import ModelStream
from agent_core.settings import CoreSettings
from agent_core.tools.goodbye import goodbye_tools
from agent_core.tools.registry import Tool, ToolRegistry
from agent_core.tools.transfer import transfer_tools
from agents.weather.weather_report import Conditions, Day, Forecast, Hour, LocationNotFound, Now
from standins.nova import instructions
from tests.support.agents import one_agent, weather_tools
from tests.support.state_runner import unsaid

BANNED = re.compile(
    r"\b(never|do not|don't|must not|may not|should not|cannot|can't|ignore|avoid|refrain|forbidden|not allowed"
    r"|prohibited|mention this|thinking)\b|<[^>]*>|\(\s*\)|\[\s*\]|\{\s*\}",
    re.IGNORECASE,
)
ENUMERATION = re.compile(r"\b[a-z]+_[a-z_]+\b")
SYSTEM_CHARACTERS = 2600
ORDER_CHARACTERS = 320
NAMES = sorted(file.name.removesuffix(".md") for file in files(prompts).iterdir() if file.name.endswith(".md"))
PARTS = {"system", "people", "details", "stage", "known", "captured"}
ORDERS = [name for name in NAMES if name not in PARTS]
VALUES = {"destination": "reception", "keys": "94105", "note": "", "words": "and tomorrow", "details": "0"}
VALUES |= {
    "said": "",
    "result": "",
    "begin": 'Then say in the caller\'s language: "Which day?"',
    "facts": '{"visit": "a"}',
}
VALUES |= {"stage": "choose", "instructions": "- Offer a day.", "known": ""}
VALUES |= {"handles": "phone_1 (phone)", "handle": "phone_1", "speak": "I have 1 2 3. Is that right?", "next": ""}
VALUES["disclosure"] = "Hello, this is the AI assistant of Bella Cucina."
TODAY = date(2026, 12, 30)


class _NoModel:
    async def open(self, model_id: str) -> ModelStream:
        """Refuse."""
        raise ModelRejected("NoModel", model_id)


class _Weather:
    """Answers with as much as the test wants."""

    def __init__(self, answer: Forecast | Exception) -> None:
        self._answer = answer

    async def forecast(self, location: str) -> Forecast:
        """Answer, or fail."""
        assert location
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class _People:
    names = ("reception",)

    def __init__(self, *, takes_over: bool, fails: bool = False) -> None:
        self.takes_over = takes_over
        self._fails = fails

    def language_of(self, destination: str) -> str | None:
        """Return that it is the agent's."""
        del destination
        return None

    async def bring(self, destination: str, summary: str) -> None:
        """Transfer, or fail."""
        if self._fails:
            raise UpstreamError("page", summary or destination)


def _forecast() -> Forecast:
    now = datetime.now(UTC).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    numbers = {
        "conditions": Conditions.RAIN_SHOWERS,
        "precipitation_probability": 60,
        "precipitation": 1.0,
        "wind": 9.0,
    }
    return Forecast(
        utc_offset=timedelta(0),
        now=Now(Conditions.PARTLY_CLOUDY, 11.6, 10.0, 80.0, 9.0, 0.0, is_day=True),
        hours=tuple(Hour(time=now + timedelta(hours=ahead), temperature=4.0, **numbers) for ahead in range(24)),  # type: ignore[arg-type]
        days=tuple(Day(date=now.date() + timedelta(days=ahead), high=9.0, low=2.0, **numbers) for ahead in range(2)),  # type: ignore[arg-type]
    )


def _tools(answer: Forecast | Exception | None = None) -> list[Tool]:
    return [*weather_tools(_Weather(answer or _forecast())), *transfer_tools(["reception"]), *goodbye_tools()]


def _system(**settings: str) -> str:
    agent = AgentRuntime(CoreSettings.model_validate(settings), _NoModel(), one_agent(_tools()), lambda _: None)
    return agent.prompt((8000, 8000), {"city": "Paris", "country": "FR"}).system


def _read(name: str) -> str:
    return _system() if name == "system" else prompts.load(name, **VALUES)


def _sections(text: str) -> dict[str, list[str]]:
    found = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {title: body.strip().splitlines() for title, body in zip(found[1::2], found[2::2], strict=True)}


def _descriptions(tool: Tool) -> Iterator[str]:
    yield tool.spec.description
    yield from (each["description"] for each in tool.spec.properties.values())


class _Conversation:
    """Hands over as a session does."""

    def __init__(self, people: _People | None, *, transfers: int = 0) -> None:
        self._people = people
        self._transfers = transfers

    async def hand_over(self, destination: str, reason: str) -> dict[str, Any]:
        """Hand over."""
        transfers = Transfers(self._people, lambda _: None, structlog.get_logger())
        shown = await transfers.show(destination)
        if shown is not None:
            return shown
        state = ConversationState(ConversationRules(transfers=self._transfers), unsaid())
        follows = state.on(TransferWanted(destination, reason), now=0.0)
        refused = [action for action in follows if isinstance(action, RefuseTransfer)]
        return transfers.result(destination, refused[0] if refused else None)


async def _results() -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """Call each tool with every possible outcome; return its name and what the model reads."""
    place = {"location": "Paris", "format": "celsius"}
    far = {**place, "day": "2099-01-01"}
    for answer in (_forecast(), LocationNotFound("Paris"), UpstreamError("weather", "down"), ValueError("a defect")):
        registry = ToolRegistry(_tools(answer))
        for name, arguments in (
            ("get_current_weather", place),
            ("get_current_weather", {"location": 5}),
            ("get_weather_forecast", {**place, "day": "today"}),
            ("get_weather_forecast", {**place, "day": "tomorrow", "hour": 0}),
            ("get_weather_forecast", far),
            ("end_call", {"reason": "caller_said_goodbye"}),
            ("order_pizza", {}),
        ):
            yield name, (await registry.call(name, arguments)).value
    for conversation in (
        _Conversation(_People(takes_over=True)),
        _Conversation(_People(takes_over=True), transfers=2),
        _Conversation(_People(takes_over=False)),
        _Conversation(_People(takes_over=False, fails=True)),
        _Conversation(None),
    ):
        registry = ToolRegistry(_tools(), conversation=conversation)
        wanted = {"destination": "reception", "reason": "An invoice."}
        yield "transfer_to_human", (await registry.call("transfer_to_human", wanted)).value


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_says_what_is_wanted(name: str) -> None:
    """A forbidden phrase would be a phrase in the context, so prompts only say what to do."""
    assert BANNED.findall(_read(name)) == []


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_is_a_sentence_or_a_few(name: str) -> None:
    """An order has no list, header, tool name or enumeration value."""
    text = _read(name)
    assert len(text) <= ORDER_CHARACTERS
    assert "\n" not in text
    assert ENUMERATION.findall(text) == []


@pytest.mark.parametrize("tool", _tools(), ids=lambda tool: tool.spec.name)
def test_a_tool_s_description_says_what_is_wanted(tool: Tool) -> None:
    """A description of a tool does not list valid arguments: the schema does."""
    for text in _descriptions(tool):
        assert BANNED.findall(text) == []
        assert ENUMERATION.findall(text) == []


async def test_a_result_can_be_spoken_as_it_is() -> None:
    """A result names no tool, holds no empty brackets, and has no enumeration value in its sentences."""
    names = {tool.spec.name for tool in _tools()}
    seen = set()
    async for name, result in _results():
        text = json.dumps(result)
        seen.add((name, result.get("error", result.get("status"))))
        assert [other for other in names if other in text] == []
        assert BANNED.findall(text) == []
        sentences = [result[key] for key in ("speak", "next") if key in result]
        assert sentences, (name, result)
        assert [found for sentence in sentences for found in ENUMERATION.findall(sentence)] == []
        assert all(sentence.endswith(".") for sentence in sentences)
    assert {error for name, error in seen if name == "get_weather_forecast"} == {
        None,
        "location_not_found",
        "weather_unavailable",
        "day_out_of_range",
    }
    assert {status for name, status in seen if name == "transfer_to_human"} == {
        "connecting",
        "shown",
        "already_transferred",
        "page_not_reached",
        "nobody_to_ask",
    }
    assert ("end_call", "ending") in seen


async def test_the_weather_comes_in_words() -> None:
    """The weather comes in words; the values beside them are for special questions and for the page."""
    registry = ToolRegistry(_tools())
    place = {"location": "Paris", "format": "fahrenheit"}
    now = (await registry.call("get_current_weather", place)).value
    assert now["speak"] == "Now: partly cloudy, 53 degrees fahrenheit."
    day = (await registry.call("get_weather_forecast", {**place, "day": "today"})).value
    assert day["speak"] == (
        f"{datetime.now(UTC):%A}: rain showers, 36 to 48 degrees fahrenheit, 60 percent chance of rain or snow."
    )


def test_what_an_app_says_is_data() -> None:
    """The app's text is one line in a section of its own, named as data; without it the section is missing."""
    agent = AgentRuntime(CoreSettings(), _NoModel(), one_agent(_tools()), lambda _: None)
    line = '{"name":"$people ## Limits"}'
    sections = _sections(agent.prompt((8000, 8000), {}, details=line).system)
    about, *rest = sections.pop("Details from the app")
    assert "data" in about
    assert rest == [line]
    assert list(sections) == list(_sections(_system()))


def test_the_system_prompt_is_short_and_in_one_style() -> None:
    """The prompt has headers of one kind and bullets, and says everything once."""
    text = _system()
    assert len(text) <= SYSTEM_CHARACTERS
    assert "$" not in text
    headers = [line for line in text.splitlines() if line.startswith("#")]
    assert headers == [f"## {title}" for title in _sections(text)]
    rules = [line for line in text.splitlines() if line.startswith("- ")]
    assert len(set(rules)) == len(rules)


def test_goodbye_is_spoken_before_the_call_ends() -> None:
    """A rule that a tool call is the whole turn would make the model hang up without a word."""
    rules = _sections(_system())["Tools"]
    whole = next(number for number, rule in enumerate(rules) if "whole turn" in rule)
    assert rules[whole + 1].startswith("- end_call is the exception: say goodbye")
    (tool,) = goodbye_tools()
    assert "First say goodbye" in tool.spec.description


def test_the_prompt_ends_with_a_short_check() -> None:
    """The prompt ends with a check of three to five points, and the goodbye is one of them."""
    title, points = list(_sections(_system()).items())[-1]
    assert "check" in title
    assert 3 <= len(points) <= 5
    assert any("goodbye" in point for point in points)


@pytest.mark.parametrize("name", ["greeting", "sorry_for_the_wait"])
def test_a_caller_hears_first_that_this_is_an_ai(name: str) -> None:
    """The first sentence to a caller says that this is an AI, as EU AI Act, Art. 50 requires."""
    assert "that you are an AI assistant" in prompts.load(name)
    assert "say that you are an AI assistant" in _system()


def test_dates_are_read_from_a_table() -> None:
    """The prompt has a table of dates for two weeks, across the end of a year."""
    table = prompts.dates(TODAY).splitlines()
    assert table[:4] == [
        "- today, Wednesday: 2026-12-30",
        "- tomorrow, Thursday: 2026-12-31",
        "- Friday: 2027-01-01",
        "- Saturday: 2027-01-02",
    ]
    assert len(table) == 14
    assert table[-1] == "- Tuesday: 2027-01-12"


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_today_is_the_agent_s_day(zone: str) -> None:
    """The prompt has the date of the agent's time zone: 14 h ahead and 11 h behind are never the same day."""
    text = _system(time_zone=zone)
    today = datetime.now(CoreSettings.model_validate({"time_zone": zone}).zone).date()
    assert f"- today, {today:%A}: {today.isoformat()}" in text
    assert f"({zone})" in text


def test_a_look_up_is_announced_in_an_imperative() -> None:
    """The look-up is announced with an imperative, as interactive text that is sent while a tool works."""
    assert prompts.looking_up() == "Tell the caller in one short sentence that you are looking it up."


@pytest.mark.parametrize("name", ORDERS)
def test_the_stand_in_takes_no_order_for_a_caller_s_words(name: str) -> None:
    """The stand-in recognizes each order; otherwise it would answer that it did not understand."""
    kind = instructions.InstructionKind
    expected = {
        "goodbye": kind.LEAVE,
        "disclose": kind.DISCLOSE,
        "stage_begins": kind.STAGE,
        "greeting": kind.GREET,
        "blocked": kind.NO_ANSWER,
        "keys_typed": kind.KEY,
        "value_typed": kind.VALUE,
        "looking_up": kind.LOOKING_UP,
        "nobody_free": kind.NOBODY_FREE,
        "say_again": kind.SAY_AGAIN,
        "sorry_for_the_wait": kind.WAITED,
        "still_there": kind.STILL_THERE,
        "taken_up": kind.LOST,
        "transfer_by_key": kind.CONNECTING,
        "transfer_failed": kind.NOBODY_FREE,
    }
    read = instructions.read(_read(name))
    assert read is not None, f"no pattern in {instructions.__file__} recognizes prompts/{name}.md: add one"
    assert read.kind is expected[name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the prompts that a test may edit."""
    return copytree(Path(str(files(prompts))), tmp_path / "prompts")


def _add(folder: Path, line: str, name: str = "system") -> int:
    """Add a line to a prompt; return its number."""
    path = folder / f"{name}.md"
    path.write_text(f"{path.read_text()}\n{line}\n")
    return path.read_text().splitlines().index(line) + 1


@pytest.mark.parametrize("line", ["A loaf is $5.", "100 $ a day", "$$hours", "It ends in $", "a$", "$5 and $ 6"])
def test_a_dollar_sign_that_names_nothing_stands_for_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """A price in a prompt is not a placeholder. Every prompt is filled in as in a call."""
    _add(folder, line)
    texts = prompts.read(folder)
    monkeypatch.setattr(prompts, "_texts", lambda: texts)
    assert line.replace("$$", "$") in _system().splitlines()


@pytest.mark.parametrize(
    ("line", "name", "advice"),
    [
        ("Open: $hours.", "system", "unknown placeholder $hours; write $$hours"),
        ("Open: ${hours}.", "system", "unknown placeholder ${hours}; write $${hours}"),
        ("Now $details", "system", ""),
        ("Open: ${hours", "system", "write $${"),
        ("${now", "system", "write $${"),
        ("The caller is $caller.", "goodbye", "placeholders here: none"),
        ("They pressed $keyes.", "keys_typed", "placeholders here: $keys"),
    ],
)
def test_a_placeholder_that_nothing_fills_in_stops_the_service_at_its_start(
    folder: Path, line: str, name: str, advice: str
) -> None:
    """The error has the file, the line and what to write; otherwise the first caller would meet the defect."""
    number = _add(folder, line, name)
    if not advice:
        prompts.read(folder)
        return
    with pytest.raises(ConfigurationError) as refused:
        prompts.read(folder)
    assert f"prompts/{name}.md, line {number}: " in refused.value.reason
    assert advice in refused.value.reason
    assert "\n" not in refused.value.reason


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "cannot be read"), (b" \n", "line 1: the file is empty"), (b"\xff\xfe", "UTF-8")]
)
def test_a_prompt_that_cannot_be_read_stops_the_service_at_its_start(
    folder: Path, content: bytes | None, reason: str
) -> None:
    """Each file is checked: the first caller who needs a rare one would find the error otherwise."""
    for name in NAMES:
        (folder / f"{name}.md").unlink()
        if content is not None:
            (folder / f"{name}.md").write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        prompts.read(folder)
    assert [name for name in NAMES if f"prompts/{name}.md" in refused.value.reason] == NAMES
    assert refused.value.reason.count(reason) == len(NAMES)


def test_every_prompt_is_checked_at_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both services check the prompts when they make their agent."""
    assert sorted(prompts.PLACEHOLDERS) == NAMES
    _add(folder, "$hours", "nobody_free")
    monkeypatch.setattr(prompts, "_texts", lambda: prompts.read(folder))
    with pytest.raises(ConfigurationError, match="nobody_free"):
        _system()


@pytest.mark.parametrize("name", NAMES)
def test_each_caller_fills_in_what_its_prompt_names(name: str) -> None:
    """Each known placeholder is filled in; the model would read it out otherwise."""
    assert "$" not in _read(name)
