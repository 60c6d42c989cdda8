"""A process with agents that use MCP servers: start, edits, changes of a catalogue, and shutdown."""

import asyncio
from pathlib import Path

from structlog.testing import capture_logs

from agent_core.agents.agent import Agent
from agent_core.agents.catalogue import AgentCatalogue
from agent_core.agents.folder import FolderContext
from agent_core.settings import CoreSettings
from agent_core.tools.mcp_server import REFRESH_SECONDS
from agent_core.tools.registry import ToolRegistry
from standins.booking_desk.server import BookingDesk, DeskSettings
from tests.support.waiting import until

DAY = {"day": "2027-01-15", "people": 2}


def write(root: Path, url: str, instructions: str = "Sell.", name: str = "shop") -> None:
    """Write an agent that uses a desk."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    page = "/" if name == "shop" else f"/a/{name}"
    tools = f"- mcp: {url}\n  allow: [free_tables, book_table]\n  reads: [free_tables]\n"
    (folder / "agent.yaml").write_text(f"name: Shop\npage: {{path: {page}}}\ntools:\n{tools}", encoding="utf-8")
    (folder / "instructions.md").write_text(f"{instructions}\n", encoding="utf-8")


def read(root: Path, *desks: BookingDesk) -> AgentCatalogue:
    """Read the agents, which may reach these desks."""
    places = ",".join(desk.mcp_url.split("/")[2] for desk in desks)
    settings = CoreSettings(tool_private_hosts=places)  # type: ignore[arg-type] # as in the environment
    return AgentCatalogue.read(root, FolderContext(settings, {}))


def required(agent: Agent) -> dict[str, list[str]]:
    """Return what the model sees of the tools of the desk: a tool without its catalogue requires nothing."""
    return {tool.spec.name: tool.spec.required for tool in agent.tools if tool.spec.name.endswith("_tables")}


def connections() -> int:
    """Return how many tasks own a connection."""
    return len([task for task in asyncio.all_tasks() if task.get_name().startswith("mcp-")])


async def use(agent: Agent) -> str:
    """Use the desk in a new conversation; return the outcome."""
    return (await ToolRegistry(agent.tools).call("free_tables", dict(DAY))).outcome


async def test_the_first_conversation_has_the_tools_of_a_server_that_answers(tmp_path: Path) -> None:
    """The start waits a little for the catalogue, and at the end every connection is closed."""
    async with BookingDesk() as desk:
        write(tmp_path, desk.mcp_url)
        async with read(tmp_path, desk).running() as agents:
            assert required(agents.default) == {"free_tables": ["day", "people"]}
            assert await use(agents.default) == "ok"
        assert connections() == 0


async def test_a_dead_server_delays_the_start_by_seconds_at_most(tmp_path: Path) -> None:
    """All agents wait together, and the model learns it honestly."""
    async with BookingDesk() as desk:
        write(tmp_path, desk.mcp_url)
        write(tmp_path, desk.mcp_url, name="other")
    began = asyncio.get_running_loop().time()
    async with read(tmp_path, desk).running() as agents:
        assert asyncio.get_running_loop().time() - began < 4
        assert required(agents.default) == {"free_tables": []}
        assert await use(agents.default) == "error"
        async with BookingDesk(DeskSettings(desk.port)):
            await until(lambda: required(agents.default) != {"free_tables": []}, 120)
            await until(lambda: required(agents.named("other")) == {"free_tables": ["day", "people"]}, 120)


async def test_a_conversation_keeps_its_tools_while_the_catalogue_changes(tmp_path: Path) -> None:
    """The next one has the new ones, of the same version of the folder."""
    async with BookingDesk() as desk:
        write(tmp_path, desk.mcp_url)
        async with read(tmp_path, desk).running() as agents:
            before = agents.default
            desk.server.remove_tool("free_tables")
            await until(lambda: agents.default is not before, 3 * REFRESH_SECONDS)
            after = agents.default
            assert (required(before), required(after)) == ({"free_tables": ["day", "people"]}, {})
            assert (before.id, before.version) == (after.id, after.version)
            assert agents.resumed(after.id, after.version) is after


async def test_an_edit_of_the_folder_keeps_the_catalogue_and_both_versions_connected(tmp_path: Path) -> None:
    """No conversation waits, and one that began before continues."""
    async with BookingDesk() as desk:
        write(tmp_path, desk.mcp_url)
        async with read(tmp_path, desk).running() as agents:
            before = agents.default
            write(tmp_path, desk.mcp_url, "Sell more.")
            after = (await agents.refreshed()).default
            assert after.version != before.version
            assert required(after) == {"free_tables": ["day", "people"]}
            assert [await use(before), await use(after)] == ["ok", "ok"]
            # A change of the catalogue that the older version sees must not bring its instructions back.
            desk.server.remove_tool("free_tables")
            await until(lambda: required(agents.default) == {}, 3 * REFRESH_SECONDS)
            assert agents.default.version == after.version


async def test_an_undone_edit_has_its_connections(tmp_path: Path) -> None:
    """The same version again, in another object, while the first one may still be used."""
    async with BookingDesk() as desk:
        write(tmp_path, desk.mcp_url)
        async with read(tmp_path, desk).running() as agents:
            first = agents.default
            write(tmp_path, desk.mcp_url, "Sell more.")
            await agents.refreshed()
            write(tmp_path, desk.mcp_url)
            again = (await agents.refreshed()).default
            assert again.version == first.version
            assert [await use(first), await use(again)] == ["ok", "ok"]
        assert connections() == 0


async def test_no_log_line_has_a_word_of_a_call(tmp_path: Path) -> None:
    """Neither arguments nor results."""
    async with BookingDesk() as desk:
        write(tmp_path, desk.mcp_url)
        with capture_logs() as lines:
            async with read(tmp_path, desk).running() as agents:
                table = {**DAY, "time": "19:30", "name": "Zebedee"}
                result = await ToolRegistry(agents.default.tools).call("book_table", table)
    assert result.value["data"]["name"] == "Zebedee"
    assert "Zebedee" not in str(lines)
