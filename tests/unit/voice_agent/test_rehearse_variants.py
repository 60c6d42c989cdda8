"""The copies of an agent's folder for the conditions of the matrix."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from voice_agent.rehearse.conditions import MATRIX, SLOW_SECONDS
from voice_agent.rehearse.variants import broken_tools, make_copies

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
    assert [*copies] == [*MATRIX]
    assert len({agent["numbers"][0] for agent in agents}) == len(MATRIX)
    assert len({agent["environment"]["BOOKINGS_FILE"] for agent in agents}) == len(MATRIX)
    assert all(agent["environment"]["BOOKINGS_FILE"].startswith(str(tmp_path)) for agent in agents)
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
    module = _run(broken_tools(_TOOLS, "dead"))
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
    module = _run(broken_tools(_TOOLS, "slow"))
    assert module["book"](2) == {"people": 2}
    assert asyncio.run(module["find"]()) == {"found": True}
    assert waited == [SLOW_SECONDS, SLOW_SECONDS]


def test_the_changed_tools_of_the_restaurant_still_compile() -> None:
    """Relative imports and annotations survive."""
    for how in ("slow", "dead"):
        source = broken_tools((_RESTAURANT / "tools.py").read_text(encoding="utf-8"), how)
        compile(source, "tools.py", "exec")
        assert "from .bookings import" in source
