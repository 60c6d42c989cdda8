"""Tools that ``agent.yaml`` declares take captured values; aiohttp and a server of the official MCP SDK get them."""

import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import Field
from structlog.testing import capture_logs

from agent_core.agents.agent import Agent
from agent_core.agents.catalogue import AgentCatalogue
from agent_core.agents.folder import FolderContext
from agent_core.capture.values import Captures
from agent_core.settings import CoreSettings
from agent_core.tools.registry import ToolRegistry, ToolResult
from standins.booking_desk.server import BookingDesk
from tests.support.http_service import http_service
from tests.support.waiting import until

MAIL, PHONE = "jane.doe@example.com", "+12025550123"
FILE = """name: Shop
page: {{path: /}}
tools:
- http: POST http://127.0.0.1:{shop}/people/{{mail}}/orders
  name: send_order
  description: Send an order.
  parameters:
    type: object
    properties:
      mail: {{type: string, minLength: 6, description: Where the receipt goes}}
      phone: {{type: string, maxLength: 12, description: For the driver}}
      day: {{type: string, description: Day of the delivery}}
      note: {{type: string}}
    required: [mail]
  captured: {{mail: email, phone: phone, day: date}}
- mcp: http://127.0.0.1:{desk}/mcp
  allow: [remind, free_tables]
  captured: {{remind: {{mail: email}}}}
"""


class Services:
    """Both third parties, and what they received."""

    def __init__(self) -> None:
        self.orders: list[tuple[str, Any]] = []
        self.reminded: list[str] = []
        self.desk = BookingDesk()
        self.shop = 0

    async def order(self, request: web.Request) -> web.Response:
        """Take an order."""
        self.orders.append((request.raw_path, json.loads(await request.read())))
        return web.json_response({"left": 3})

    def remind(self, mail: Annotated[str, Field(max_length=40, description="Address of the guest")]) -> str:
        """Remind a guest of a booking."""
        self.reminded.append(mail)
        return "done"


@pytest_asyncio.fixture
async def services() -> AsyncIterator[Services]:
    """Run them."""
    made = Services()
    made.desk.server.add_tool(made.remind)
    async with http_service(made.order) as made.shop, made.desk:
        yield made


class Talk:
    """One conversation with the agent."""

    def __init__(self, agent: Agent) -> None:
        self.captures = Captures(agent.reader, agent.sentences, lambda: date(2026, 11, 30))
        self.tools = ToolRegistry(agent.tools, conversation=self)

    async def use(self, tool: str, **arguments: object) -> ToolResult:
        """Use a tool as the model does."""
        return await self.tools.call(tool, arguments)

    async def captured(self, kind: str, heard: str) -> str:
        """Capture a value, which the caller hears and confirms; return its handle."""
        result = await self.use("capture", kind=kind, heard=heard)
        self.tools.new_turn()
        self.captures.new_turn()
        return str(result.value["handle"])


def catalogue(root: Path, shop: int, desk: BookingDesk) -> AgentCatalogue:
    """Write the agent's folder, and read it."""
    folder = root / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "agent.yaml").write_text(FILE.format(shop=shop, desk=desk.port), encoding="utf-8")
    (folder / "instructions.md").write_text("Sell.\n", encoding="utf-8")
    places = f"127.0.0.1:{shop},127.0.0.1:{desk.port}"
    settings = CoreSettings(tool_private_hosts=places)  # type: ignore[arg-type] # as in the environment
    return AgentCatalogue.read(root, FolderContext(settings, {}))


@pytest_asyncio.fixture
async def agent(tmp_path: Path, services: Services) -> AsyncIterator[Agent]:
    """Return the agent, once it knows the tools of its server."""
    async with catalogue(tmp_path, services.shop, services.desk).running() as agents:
        await until(lambda: any(tool.spec.required == ["mail"] for tool in agents.default.tools[1:]), 60)
        yield agents.default


def shown(agent: Agent, tool: str) -> dict[str, Any]:
    """Return what the model sees of a tool's parameters."""
    return next(one.spec.properties for one in agent.tools if one.spec.name == tool)


async def test_the_model_sees_handles_and_the_kinds_that_are_used(agent: Agent) -> None:
    """The bounds are those of the value, so the model does not see them."""
    handle = "The handle that capture returned for kind {0}, such as {0}_1 (at most 20 characters)"
    seen = shown(agent, "send_order")
    assert seen["mail"] == {"type": "string", "description": f"Where the receipt goes. {handle.format('email')}"}
    assert seen["note"] == {"type": "string"}
    assert shown(agent, "remind") == {
        "mail": {"type": "string", "description": f"Address of the guest. {handle.format('email')}"}
    }
    assert shown(agent, "capture")["kind"]["enum"] == ["email", "phone", "date"]


async def test_the_services_receive_the_values(agent: Agent, services: Services) -> None:
    """In the path, in the body and in an MCP argument; no log has one."""
    talk = Talk(agent)
    with capture_logs() as logs:
        mail = await talk.captured("email", "jane dot doe at example dot com")
        phone = await talk.captured("phone", "two oh two five five five oh one two three")
        day = await talk.captured("date", "the third of december")
        ordered = await talk.use("send_order", mail=mail, phone=phone, day=day, note="ring twice")
        reminded = await talk.use("remind", mail=mail)
    assert [ordered.outcome, reminded.outcome] == ["ok", "ok"]
    body = {"phone": PHONE, "day": "2026-12-03", "note": "ring twice"}
    assert services.orders == [("/people/jane.doe%40example.com/orders", body)]
    assert services.reminded == [MAIL]
    assert not [line for line in logs if MAIL in str(line) or PHONE in str(line)]


@pytest.mark.parametrize("tool", ["send_order", "remind"])
async def test_a_wrong_handle_gets_the_error_of_any_tool(agent: Agent, services: Services, tool: str) -> None:
    """An invented one, an address that was never captured, one of another kind, and one that was not read back yet."""
    talk = Talk(agent)
    phone = await talk.captured("phone", "two oh two five five five oh one two three")
    for wrong in ("email_1", "eve@example.com", phone):
        result = await talk.use(tool, mail=wrong)
        assert (result.outcome, result.value["error"]) == ("error", "no_such_handle"), wrong
        assert "Call capture with kind email" in result.value["next"]
    await talk.use("capture", kind="email", heard=MAIL)
    early = await talk.use(tool, mail="email_1")
    assert early.value["error"] == "not_read_back"
    assert (services.orders, services.reminded) == ([], [])


async def test_a_corrected_value_is_another_request(agent: Agent, services: Services) -> None:
    """The same handle, with what the caller has corrected."""
    talk = Talk(agent)
    mail = await talk.captured("email", "jane dot dow at example dot com")
    await talk.use("remind", mail=mail)
    await talk.use("capture", kind="email", heard="no, it is d o e", handle=mail)
    talk.captures.new_turn()
    await talk.use("remind", mail=mail)
    assert services.reminded == ["jane.dow@example.com", MAIL]


async def test_a_value_that_the_schema_refuses_is_not_sent(agent: Agent, services: Services) -> None:
    """Its bounds are those of the value; the reason does not repeat it."""
    talk = Talk(agent)
    mail = await talk.captured("email", "jane dot doe at example dot com")
    phone = await talk.captured("phone", "plus four nine three zero one two three four five six seven eight")
    result = await talk.use("send_order", mail=mail, phone=phone)
    assert (result.value["error"], services.orders) == ("invalid_arguments", [])
    assert result.value["detail"] == "phone: String should have at most 12 characters"


async def test_an_agent_whose_server_is_down_can_capture_already(tmp_path: Path) -> None:
    """A conversation that begins then has its tool, and uses of the server's tools say that it cannot be reached."""
    async with BookingDesk() as desk:
        pass
    async with catalogue(tmp_path, 9, desk).running() as agents:
        talk = Talk(agents.default)
        await talk.captured("email", "jane dot doe at example dot com")
        result = await talk.use("remind", mail="email_1")
        assert result.value["error"] == "invalid_arguments"
        result = await talk.use("remind")
        assert (result.value["error"], shown(agents.default, "remind")) == ("tool_failed", {})
