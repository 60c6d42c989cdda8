"""A person books a table over the telephone: an invented agent, real speech, the whole product."""

import shutil
from collections.abc import Iterator

import pytest

from tests.support.agent_tools import AGENTS
from tests.support.whole_product import Product, running

SAID = "I would like to book a table for two people on Friday evening"
CHANGED = "make it three"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Run the whole product with the restaurant as its only agent."""
    folder = tmp_path_factory.mktemp("restaurant")
    restaurant = folder / "agents" / "trattoria"
    shutil.copytree(AGENTS / "trattoria", restaurant)
    with (restaurant / "agent.yaml").open("a") as agent:
        agent.write("page: {path: /}\n")
    with running(folder, {"AGENTS_DIR": str(folder / "agents")}) as product:
        yield product


@pytest.mark.journey
def test_a_table_is_booked_and_changed_in_one_call(product: Product) -> None:
    """The caller's words reach the restaurant's own tools with their values, and the call ends like any other."""
    code, (call,), complaints = product.call("--say", SAID, "--say", CHANGED, "--save", "answer.wav", "--late", "60s")
    assert code == 0, complaints
    used = [(tool["name"], tool["input"]) for tool in call["model"]["tools"]]
    assert used == [
        ("book_table", {"people": 2, "day": "friday", "time": "evening"}),
        ("change_booking", {"people": 3}),
    ]
    said = " ".join(one["text"] for one in call["model"]["said"])
    assert "A table for 2 on friday." in said
    assert "I changed it." in said
