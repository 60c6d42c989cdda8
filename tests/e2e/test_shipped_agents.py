"""The agents that ship, in the whole product: each on its own number, spoken and typed, and edited while it runs."""

import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.whole_product import COMMAND, Product, running
from tools.workspace import ROOT

RESTAURANT, WEATHER = "+15550100002", "+15550100001"
ASK = "what is the weather in Stockholm"
BOOK = "I would like to book a table for two people on Friday evening"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Run the whole product with copies of the shipped agents, which a test may edit."""
    folder = tmp_path_factory.mktemp("shipped")
    shutil.copytree(ROOT / "agents", folder / "agents", ignore=shutil.ignore_patterns("__pycache__", "page"))
    variables = {
        "AGENTS_DIR": str(folder / "agents"),
        "BOOKINGS_FILE": str(folder / "bookings.sqlite"),
        "ICE_HOSTS": "127.0.0.1",
    }
    with running(folder, variables) as product:
        yield product


def tools(call: dict[str, object]) -> list[tuple[str, dict[str, object]]]:
    """Return the tools that a call used."""
    return [(tool["name"], tool["input"]) for tool in call["model"]["tools"]]  # type: ignore[index]


def records(product: Product) -> list[dict[str, object]]:
    """Return the end records of the phone service."""
    return [line for line in product.log() if line["event"] == "session_ended"]


@pytest.mark.journey
def test_each_number_reaches_its_agent(product: Product) -> None:
    """The restaurant books on its number, the weather agent answers on its own, and the records name them."""
    code, (call,), complaints = product.call("--to", RESTAURANT, "--say", BOOK, "--late", "60s")
    assert code == 0, complaints
    ((name, given),) = tools(call)
    assert (name, given["people"], given["day"]) == ("book_table", 2, "friday")
    code, (call,), complaints = product.call(
        "--to", WEATHER, "--say", "what is the weather in Stockholm", "--late", "60s"
    )
    assert code == 0, complaints
    assert [name for name, _ in tools(call)] == ["get_current_weather"]
    assert [record["agent"] for record in records(product)[-2:]] == ["restaurant", "weather"]
    assert all(len(str(record["agent_version"])) == 12 for record in records(product)[-2:])


def test_the_same_typed_in_the_terminal(product: Product) -> None:
    """`voice-agent chat` shows the tool and the answer, and ends with an empty line."""
    done = subprocess.run(
        [*COMMAND, "chat", "restaurant"],
        input=f"{BOOK}\n\n",
        cwd=product.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "agent: " in done.stdout
    assert "book_table(people=2, day=friday" in done.stdout


def test_an_edit_applies_from_the_next_call(product: Product) -> None:
    """A mistake in tools.py is one line in the log, and the last valid version answers."""
    folder = product.folder / "agents/restaurant"
    product.call("--to", RESTAURANT, "--say", "when are you open", "--late", "60s")
    before = records(product)[-1]
    with (folder / "instructions.md").open("a", encoding="utf-8") as instructions:
        instructions.write("\n- Mention the garden.\n")
    product.call("--to", RESTAURANT, "--say", "when are you open", "--late", "60s")
    edited = records(product)[-1]
    assert edited["agent"] == "restaurant"
    assert edited["agent_version"] != before["agent_version"]
    tools_py = folder / "tools.py"
    whole = tools_py.read_text(encoding="utf-8")
    tools_py.write_text(f"{whole}\ndef broken(:\n", encoding="utf-8")
    code, (call,), complaints = product.call("--to", RESTAURANT, "--say", BOOK, "--late", "60s")
    assert code == 0, complaints
    assert [name for name, _ in tools(call)] == ["book_table"]
    assert records(product)[-1]["agent_version"] == edited["agent_version"]
    (problem,) = {json.dumps(line["problem"]) for line in product.log() if line["event"] == "agent_not_updated"}
    assert "agents/restaurant/tools.py, line" in problem
    tools_py.write_text(whole, encoding="utf-8")
