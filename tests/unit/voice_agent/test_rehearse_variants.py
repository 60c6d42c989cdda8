"""The copies of an agent's folder for the conditions of the matrix."""

import asyncio
import time
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from agent_core.agents import folder
from agent_core.agents.folder import FolderContext
from agent_core.settings import CoreSettings
from agent_core.tools.registry import ToolRegistry
from tests.support.agents import tool_call
from voice_agent.rehearse.conditions import MATRIX, SLOW_SECONDS
from voice_agent.rehearse.rehearsals import read_rehearsals
from voice_agent.rehearse.variants import changed_tools, make_copies

_ROME = ZoneInfo("Europe/Rome")
_RESTAURANT = Path(__file__).parents[3] / "agents" / "restaurant"
_TOOLS = '''
def tool(**_options):
    return lambda function: function

@tool(acts=True)
def book(people: int) -> dict:
    """Book a table."""
    return {"people": people}

@tool()
async def find() -> dict:
    """Find a table."""
    return {"found": True}

def other() -> str:
    return "as it is"
'''


def _run(source: str) -> dict[str, Any]:
    module: dict[str, Any] = {}
    exec(source, module)  # noqa: S102 - the source is this test's own
    return module


def test_each_copy_has_its_own_number_and_files(tmp_path: Path) -> None:
    """No copy answers for another, and none books in the folder's own book."""
    copies = make_copies(_RESTAURANT, tmp_path, MATRIX.values())
    agents = [yaml.safe_load((tmp_path / copy.id / "agent.yaml").read_text()) for copy in copies.values()]
    assert [*copies] == [(name, None, "phone", 1) for name in MATRIX]
    assert len({agent["numbers"][0] for agent in agents}) == len(MATRIX)
    assert len({agent["environment"]["BOOKINGS_FILE"] for agent in agents}) == len(MATRIX)
    assert all(agent["environment"]["BOOKINGS_FILE"].startswith(str(tmp_path)) for agent in agents)
    assert len({copy.id for copy in copies.values()}) == len(MATRIX)
    # The stand-in for the model knows the copies by this name.
    assert {agent["name"] for agent in agents} == {"Bella Cucina"}
    assert [agent["page"].get("path") for agent in agents] == ["/", *[None] * 7]
    assert all(len(copy.id) <= 31 for copy in copies.values())


def test_the_folder_stays_as_it_is(tmp_path: Path) -> None:
    """Only copies change."""
    before = {path: path.read_bytes() for path in _RESTAURANT.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    make_copies(_RESTAURANT, tmp_path, MATRIX.values())
    assert {path: path.read_bytes() for path in before} == before


def test_dead_tools_fail_and_the_rest_works() -> None:
    """Only functions with `@tool` fail, and they keep their descriptions."""
    module = _run(changed_tools(_TOOLS, "dead"))
    assert module["book"].__doc__ == "Book a table."
    with pytest.raises(ConnectionError):
        module["book"](2)
    with pytest.raises(ConnectionError):
        asyncio.run(module["find"]())
    assert module["other"]() == "as it is"


def test_slow_tools_wait_and_then_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """An asynchronous tool waits without blocking the event loop."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    module = _run(changed_tools(_TOOLS, "slow"))
    assert module["book"](2) == {"people": 2}
    assert asyncio.run(module["find"]()) == {"found": True}
    assert waited == [SLOW_SECONDS, SLOW_SECONDS]


def test_the_changed_tools_of_the_restaurant_still_compile() -> None:
    """Relative imports and annotations survive."""
    for how in ("slow", "dead"):
        source = changed_tools((_RESTAURANT / "tools.py").read_text(encoding="utf-8"), how)
        compile(source, "tools.py", "exec")
        assert "from .bookings import" in source


_DATED = '''
def tool(**_options):
    return lambda function: function

@tool()
def when(people: int, call: Call) -> str:
    """Tell the time."""
    return call.now

@tool()
async def later(*, asked: "Call" = None, call: agents.Call) -> str:
    return call.now

@tool()
def other(call: str) -> str:
    return call
'''


def test_a_tool_sees_the_time_that_a_rehearsal_sets() -> None:
    """Only what is annotated `Call` changes, and keeps its zone and everything else."""
    real = tool_call("restaurant", None, datetime(2027, 8, 15, 21, 0, tzinfo=_ROME), key="7")
    source = f"from __future__ import annotations\n{_DATED}"
    module = _run(changed_tools(source, now=datetime(2026, 12, 2, 10, 0)))  # noqa: DTZ001 - the agent's local time
    set_to = datetime(2026, 12, 2, 10, 0, tzinfo=_ROME)
    assert module["when"](2, real) == set_to
    assert module["when"].__doc__ == "Tell the time."
    assert asyncio.run(module["later"](call=real)) == set_to
    assert module["other"]("call") == "call"


def test_each_time_gets_a_copy_under_each_condition(tmp_path: Path) -> None:
    """A table of one time is not found at another."""
    noon = datetime(2026, 12, 2, 12, 0)  # noqa: DTZ001 - the agent's local time
    copies = make_copies(_RESTAURANT, tmp_path, MATRIX.values(), [noon, None])
    assert len({(copy.id, copy.number) for copy in copies.values()}) == 2 * len(MATRIX)
    dated, undated = ((tmp_path / copies["quiet", now, "phone", 1].id / "tools.py").read_text() for now in (noon, None))
    assert "2026-12-02T12:00:00" in dated
    assert undated == (_RESTAURANT / "tools.py").read_text()


def test_the_web_and_another_attempt_find_nothing_booked(tmp_path: Path) -> None:
    """A rehearsal on both channels, and one that is repeated, has a book of its own each time."""
    copies = make_copies(_RESTAURANT, tmp_path, MATRIX.values(), channels=("phone", "web"), attempts=2)
    files = {
        key: yaml.safe_load((tmp_path / copy.id / "agent.yaml").read_text())["environment"]["BOOKINGS_FILE"]
        for key, copy in copies.items()
    }
    assert len(set(files.values())) == len(files) == 2 * (len(MATRIX) + 1)
    assert {(name, attempt) for name, _, channel, attempt in files if channel == "web"} == {("quiet", 1), ("quiet", 2)}
    assert copies["quiet", None, "phone", 1].id == "restaurant"


@pytest.mark.parametrize("day", ["2026-12-21", "2026-12-28", "2027-04-26", "2031-08-11", "2028-02-29"])
async def test_a_table_on_friday_does_not_depend_on_the_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    """The restaurant is closed on some Fridays of these weeks; at the time of a rehearsal it is open on each."""

    class Clock(datetime):
        """Shows a moment of the week."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Clock":
            return cls.fromisoformat(f"{day} 09:00").replace(tzinfo=tz)

    monkeypatch.setattr("agent_core.tools.call.datetime", Clock)
    set_to = next(one.now for one in read_rehearsals(_RESTAURANT) if one.name == "a table for two")
    copies = make_copies(_RESTAURANT, tmp_path, [MATRIX["quiet"]], [set_to, None])
    answers = {now: await _book_friday(tmp_path / copy.id) for (_, now, _, _), copy in copies.items()}
    assert (answers[set_to]["status"], answers[set_to]["date"]) == ("booked", "2026-12-04")
    friday = date.fromisoformat(day) + timedelta((4 - date.fromisoformat(day).weekday()) % 7)
    is_open = (friday.month, friday.day) not in {(12, 25), (1, 1), (8, 15)}
    assert (answers[None]["status"] == "booked") == is_open


async def _book_friday(copy: Path) -> dict[str, Any]:
    agent = folder.read(copy, FolderContext(CoreSettings(), {}, ()))
    asked = {"people": 2, "day": "friday", "time": "20:00", "name": "Miller"}
    async with agent.resources.open({"BOOKINGS_FILE": str(copy / "book.sqlite")}) as opened:
        agent.resources.surroundings.resources = opened
        return (await ToolRegistry(agent.tools).call("book_table", asked)).value
