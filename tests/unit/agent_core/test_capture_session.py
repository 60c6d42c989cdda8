"""In a conversation: the model has handles, the tool has values, the keypad fills them, and no log has any."""

import asyncio
import json
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import Field

from agent_core.agents import Date, Email, Phone
from agent_core.conversation.value_keys import (
    FIRST_KEY_SECONDS,
    LONGEST_SECONDS,
    MOST_KEYS,
    NEXT_KEY_SECONDS,
    ValueKeys,
)
from agent_core.conversation.waits import KEY_PAUSE_SECONDS
from agent_core.errors import ModelUnavailable
from agent_core.events import EndReason
from agent_core.tools.capture import capture_tools
from agent_core.tools.registry import Tool
from tests.support import scripted_model as say
from tests.support.session_stage import Before, Stage, running_session
from tests.support.staff import Staff
from tests.support.waiting import until

if TYPE_CHECKING:
    from agent_core.capture.values import Stored

SOUND = b"\x01\x00" * 80
PHONE = "2025550123"


class Desk:
    """A tool that takes captured values, and what it received."""

    def __init__(self) -> None:
        self.received: list[tuple[object, ...]] = []

    def tools(self) -> list[Tool]:
        """Return the tool, and the one that captures its values."""

        async def register(
            email: Annotated[Email, Field(description="Where the confirmation goes")],
            phone: Phone | None = None,
            day: Date | None = None,
        ) -> dict[str, Any]:
            """Register a caller."""
            self.received.append((email, phone, day))
            return {"speak": "You are registered."}

        own = Tool(register, acts=True)
        return [own, *capture_tools([own])]


async def _use(stage: Stage, tool: str, **arguments: str) -> dict[str, Any]:
    stream = await stage.model.stream()
    results = stream.names().count("toolResult")
    stream.say(*say.tool_use(tool, f"use-{results}", arguments))
    body = await stream.until_sent("toolResult", count=results + 1)
    result: dict[str, Any] = json.loads(body["content"])
    return result


async def _say(stage: Stage, words: str) -> None:
    (await stage.model.stream()).say(*say.heard(words))
    await asyncio.sleep(0.1)


async def _end(stage: Stage, running: asyncio.Task[Any]) -> None:
    stage.session.end(EndReason.CALLER_HUNG_UP)
    await running


def test_the_model_sees_handles_and_only_kinds_that_are_used() -> None:
    """The schema says which kind a parameter takes; an agent without such parameters has no tool for it."""
    own, capture = Desk().tools()
    assert own.spec.properties["email"]["type"] == "string"
    assert (
        "Where the confirmation goes. The handle that capture returned for kind email"
        in (own.spec.properties["email"]["description"])
    )
    assert own.spec.properties["day"]["description"].startswith("The handle that capture returned for kind date")
    assert own.spec.required == ["email"]
    assert capture.spec.properties["kind"]["enum"] == ["email", "phone", "date"]
    assert capture.spec.required == ["kind", "heard"]

    async def plain(people: int) -> dict[str, Any]:
        """Do something."""
        return {"people": people}

    assert capture_tools([Tool(plain)]) == []


async def test_a_tool_receives_values_that_were_read_back() -> None:
    """Not before the caller has spoken; a corrected value makes another request, which no kept result answers."""
    desk = Desk()
    async with running_session(more=desk.tools()) as (stage, running):
        captured = await _use(stage, "capture", kind="email", heard="jane dot dow at example dot com")
        assert captured["handle"] == "email_1"
        early = await _use(stage, "register", email="email_1")
        assert early["error"] == "not_read_back"
        await _say(stage, "yes")
        assert (await _use(stage, "register", email="email_1"))["speak"] == "You are registered."
        await _say(stage, "no it is d o e")
        await _use(stage, "capture", kind="email", heard="no it is d o e", handle="email_1")
        await _say(stage, "yes")
        await _use(stage, "capture", kind="date", heard="the third of May 2031")
        await _say(stage, "yes")
        await _use(stage, "register", email="email_1", day="date_1")
        await _end(stage, running)
    assert desk.received == [("jane.dow@example.com", None, None), ("jane.doe@example.com", None, date(2031, 5, 3))]


async def test_the_keypad_fills_a_value_and_zero_is_a_digit_meanwhile() -> None:
    """The model learns the handle and the sentence, not as words of the caller; after it, key 0 calls a person."""
    staff = Staff()
    async with running_session(people=staff, more=Desk().tools()) as (stage, running):
        stream = await stage.model.stream()
        await _use(stage, "capture", kind="phone", heard="")
        await _say(stage, "hm")
        result = await _use(stage, "capture", kind="phone", heard="hm")
        assert result["status"] == "keypad"
        # The agent asks, and then waits as long as the caller types.
        stream.say(*say.answer(f"{say.GREETING} {result['speak']}", SOUND))
        await until(lambda: stage.session.stats.agent_turns > 0)
        stage.session.answer_heard()
        for key in f"{PHONE}#":
            stage.session.press(key)
            await asyncio.sleep(KEY_PAUSE_SECONDS + 0.2)
        typed = [text for text in stream.texts("USER") if "handle is phone_1" in text]
        assert len(typed) == 1
        assert '"I have plus 1, 2 0 2, 5 5 5, 0 1 2 3. Is that right?"' in typed[0]
        stream.say(*say.answer("I have your number.", SOUND))
        assert not staff.brought
        stage.session.press("0")
        await until(lambda: staff.brought == ["reception"], 20)
        await _end(stage, running)


async def test_a_caller_cancels_the_keypad_and_reaches_a_person() -> None:
    """``*`` ends the input, and what follows is a key again."""
    async with running_session(people=Staff(), more=Desk().tools()) as (stage, running):
        stream = await stage.model.stream()
        for _ in range(2):
            await _use(stage, "capture", kind="phone", heard="")
            await _say(stage, "hm")
        for key in "12*0":
            stage.session.press(key)
        await asyncio.sleep(KEY_PAUSE_SECONDS + 0.2)
        await until(lambda: any("connected to" in text for text in stream.texts("USER")))
        await _end(stage, running)


async def test_no_log_and_no_record_has_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    """What a caller gave is for the tool: neither events at INFO nor the end record contain it."""
    desk = Desk()
    async with running_session(more=desk.tools()) as (stage, running):
        await _use(stage, "capture", kind="email", heard="jane dot canary at example dot com")
        await _say(stage, "yes")
        await _use(stage, "register", email="email_1")
        await _use(stage, "register", email="nobody@example.com")
        for _ in range(2):
            await _use(stage, "capture", kind="phone", heard="")
            await _say(stage, "hm")
        for key in f"{PHONE}#":
            stage.session.press(key)
        await asyncio.sleep(0.1)
        await _end(stage, running)
        said = repr(stage.records)
    said += "".join(capsys.readouterr())
    assert "tool_called" in said
    assert not any(secret in said.lower() for secret in ("canary", "2 0 2", PHONE, "nobody@", "jane"))


async def test_values_go_on_in_the_next_part() -> None:
    """The task that continues the conversation names the handles to the model, and its tools receive the values."""
    kept: list[Stored] = []
    desk = Desk()
    stored = (("email_1", "email", "jane.doe@example.com", 0, "heard"),)
    before = Before(captured=stored, on_captured=kept.append)
    async with running_session(before, more=desk.tools()) as (stage, running):
        stream = await stage.model.stream()
        await stream.until_sent("textInput")
        assert "Tools take their handles: email_1 (email)." in stream.texts("SYSTEM")[0]
        assert "jane.doe" not in stream.texts("SYSTEM")[0]
        await _use(stage, "register", email="email_1")
        await _end(stage, running)
    assert desk.received == [("jane.doe@example.com", None, None)]
    assert kept[-1][0][-1] == "used"


async def test_values_survive_a_barge_in_and_a_stream_that_is_replaced() -> None:
    """A stream that takes over has no tool results of the one before, so its prompt has the handles."""
    desk = Desk()
    async with running_session(more=desk.tools()) as (stage, running):
        first = await stage.model.stream()
        await _use(stage, "capture", kind="email", heard="jane dot doe at example dot com")
        first.say(*say.answer(say.GREETING, SOUND), *say.interruption())
        await _say(stage, "yes")
        first.fail(ModelUnavailable("reset", "the stream was reset"))
        second = await stage.model.stream(1)
        await until(lambda: bool(second.texts("SYSTEM")))
        assert "Tools take their handles: email_1 (email)." in second.texts("SYSTEM")[0]
        second.say(*say.tool_use("register", "use-9", {"email": "email_1"}))
        await second.until_sent("toolResult")
        await _end(stage, running)
    assert desk.received == [("jane.doe@example.com", None, None)]


def test_the_keys_of_a_value_have_a_deadline_and_a_bound() -> None:
    """For the first key, between keys, for all of them, and by number."""
    keys = ValueKeys()
    keys.start(0.0)
    assert keys.due == FIRST_KEY_SECONDS
    assert keys.expire(FIRST_KEY_SECONDS) is None
    assert [keys.due] == [None]
    keys.start(0.0)
    assert (keys.press("4", 1.0), keys.due) == (None, 1.0 + NEXT_KEY_SECONDS)
    assert keys.expire(1.0 + NEXT_KEY_SECONDS) == "4"
    keys.start(0.0)
    assert [keys.press("7", 0.1) for _ in range(MOST_KEYS)][-1] == "7" * MOST_KEYS
    assert keys.due is None


def test_slow_keys_end_too() -> None:
    """However regularly they come, the time for one value is limited."""
    keys = ValueKeys()
    keys.start(0.0)
    pace = NEXT_KEY_SECONDS - 1
    typed = [keys.expire(at * pace) or keys.press("4", at * pace) for at in range(1, int(LONGEST_SECONDS / pace) + 2)]
    assert typed[-1] == "4" * (len(typed) - 1)
