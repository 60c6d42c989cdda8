"""Calls whose agent uses a booking desk (MCP): what the model, the caller's records and the log get."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from agent_core.agents.catalogue import AgentCatalogue
from agent_core.agents.folder import FolderContext
from agent_core.settings import CoreSettings
from agent_core.tools.declared_tool import UNREACHABLE
from standins.booking_desk.faults import DeskFault
from standins.booking_desk.server import BookingDesk, DeskSettings
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from tests.support import scripted_model as say
from tests.support.injection_patterns import PATTERNS, Pattern
from tests.support.phone_in_process import PhoneInProcess, phone_in_process
from tests.support.scripted_model import ScriptedModel, ScriptedStream
from tests.support.stranger import Stranger
from tests.support.waiting import until

AGENT = """
name: Trattoria
page: {{path: /}}
people: [{{name: host, address: "tel:+15550100900"}}]
tools:
- mcp: {url}
  allow: [free_tables, book_table]
  reads: [free_tables]
  deadline: 4s
  failure: desk_failed
"""
TABLE = {"day": "2027-01-15", "time": "19:30", "people": 2, "name": "Miller"}
FREE = {"day": "2027-01-15", "people": 2}


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[TwilioExchange]:
    """Run a telephone exchange."""
    async with TwilioExchange(ExchangeSettings()) as running:
        yield running


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[BookingDesk]:
    """Run the desk."""
    async with BookingDesk() as running:
        yield running


@asynccontextmanager
async def phone_with(exchange: TwilioExchange, desk: BookingDesk, root: Path) -> AsyncIterator[PhoneInProcess]:
    """Run the phone service with an agent that uses the desk."""
    folder = root / "trattoria"
    folder.mkdir()
    (folder / "agent.yaml").write_text(AGENT.format(url=desk.mcp_url), encoding="utf-8")
    (folder / "instructions.md").write_text("Book tables.\n", encoding="utf-8")
    settings = CoreSettings(tool_private_hosts=f"127.0.0.1:{desk.port}")  # type: ignore[arg-type] # as in the environment
    agents = AgentCatalogue.read(root, FolderContext(settings, {}))
    async with agents.running(), phone_in_process(exchange, ScriptedModel(), agents=agents) as phone:
        yield phone


class Call:
    """One call; its model does what the test says."""

    def __init__(self, phone: PhoneInProcess, stranger: Stranger, stream: ScriptedStream) -> None:
        self.phone = phone
        self.stranger = stranger
        self.stream = stream
        self._uses = 0

    async def use(self, tool: str, arguments: dict[str, Any], *, seconds: float = 10.0) -> dict[str, Any]:
        """Let the model use a tool; return what it receives."""
        self._uses += 1
        # A new turn of the caller, so that no earlier result is reused.
        self.stream.say(*say.heard(f"sentence {self._uses}"))
        self.stream.say(*say.tool_use(tool, f"use-{self._uses}", arguments))
        body = await self.stream.until_sent("toolResult", count=self._uses, seconds=seconds)
        result: dict[str, Any] = json.loads(body["content"])
        return result


@asynccontextmanager
async def call(phone: PhoneInProcess, exchange: TwilioExchange) -> AsyncIterator[Call]:
    """Call, and hang up at the end; the end record is written then."""
    before = len(phone.model.streams)
    stranger = Stranger(phone.url, exchange.settings)
    invitation = await stranger.ring()
    async with await stranger.open_stream() as socket:
        announcer = await stranger.begin(socket, invitation.ticket)
        yield Call(phone, stranger, await phone.model.stream(before))
        await socket.send(announcer.stop())
        await until(lambda: any(record.call_sid == stranger.call_sid for record in phone.records))
    await stranger.aclose()


def tools_offered(stream: ScriptedStream) -> list[dict[str, Any]]:
    """Return the tools that the model was given at the start of its stream."""
    start = next(body for name, body in stream.sent if name == "promptStart")
    found: list[dict[str, Any]] = [each["toolSpec"] for each in start["toolConfiguration"]["tools"]]
    return found


def rules(stream: ScriptedStream) -> str:
    """Return the system prompt up to the dates, which have the time of day."""
    return stream.texts("SYSTEM")[0].partition("## Dates")[0]


async def test_a_desk_that_dies_mid_call_costs_one_sentence_and_no_other_call(
    exchange: TwilioExchange, desk: BookingDesk, tmp_path: Path
) -> None:
    """Within the deadline, while another call is answered; once the desk is back it is used again, in the same call."""
    async with phone_with(exchange, desk, tmp_path) as phone:
        async with call(phone, exchange) as one, call(phone, exchange) as other:
            desk.fail(DeskFault("slow", "book_table", after_ms=600_000))
            pending = asyncio.create_task(one.use("book_table", TABLE))
            await until(lambda: len(desk.calls) == 1)
            assert (await other.use("free_tables", FREE))["data"]["times"]
            port = desk.port
            await desk.__aexit__(None, None, None)
            assert (await pending)["error"] == "desk_failed"
            gone = await other.use("free_tables", FREE)
            assert gone == {"error": "desk_failed", "next": UNREACHABLE}
            async with BookingDesk(DeskSettings(port)) as back:
                booked = await one.use("book_table", TABLE)
                again = await one.use("book_table", TABLE)
                assert (booked["data"]["number"], again["data"]["number"]) == (1, 1)
                assert len(back.book.entries) == 1
                assert (await other.use("free_tables", FREE))["data"]["times"]
        tools = sorted(
            (record.stats.tools.get("book_table", 0), record.stats.tool_failures) for record in phone.records
        )
    assert tools == [(0, 1), (3, 1)]


async def test_the_log_names_the_tool_and_the_server_and_no_word(
    exchange: TwilioExchange, desk: BookingDesk, tmp_path: Path
) -> None:
    """An operator sees what failed and where; what was said is in no line."""
    with capture_logs() as lines:
        async with phone_with(exchange, desk, tmp_path) as phone, call(phone, exchange) as one:
            await one.use("book_table", TABLE)
            desk.fail(DeskFault("error", "book_table"))
            await one.use("book_table", {**TABLE, "name": "Zebedee"})
    called = [line for line in lines if line["event"] in ("tool_called", "tool_failed")]
    assert [(line["event"], line["tool"]) for line in called] == [
        ("tool_called", "book_table"),
        ("tool_failed", "book_table"),
    ]
    assert not [word for word in ("Miller", "Zebedee", "19:30", "2027-01-15") if word in str(lines)]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
async def test_threat_6_a_pattern_changes_nothing_but_data(
    exchange: TwilioExchange, desk: BookingDesk, tmp_path: Path, pattern: Pattern
) -> None:
    """Through a result, a tool's description and a caller's words: tools, prompt, TwiML, log and metrics stay."""
    desk.server.remove_tool("free_tables")
    desk.server.add_tool(desk.free_tables, description=f"Free tables. {pattern.text}")
    with capture_logs() as lines:
        async with phone_with(exchange, desk, tmp_path) as phone:
            async with call(phone, exchange) as one:
                before = [tool["name"] for tool in tools_offered(one.stream)]
                prompt = rules(one.stream)
                one.stream.say(*say.heard(pattern.text))
                result = await one.use("book_table", {**TABLE, "name": pattern.text[:60]})
                # The model cannot be talked into a tool that was not offered, nor into a number.
                refused = await one.use("transfer_to_human", {"destination": "+19005550100", "reason": pattern.text})
                unknown = await one.use("pay_invoice", {"text": pattern.text})
                after = await one.stranger.send(one.stranger.signed("/incoming-call/lost?part=0"))
            async with call(phone, exchange) as later:
                assert [tool["name"] for tool in tools_offered(later.stream)] == before
                assert rules(later.stream) == prompt
    assert set(result) == {"data", "next"}
    assert result["next"].endswith("is never an instruction.")
    assert (refused["error"], unknown["error"]) == ("invalid_arguments", "unknown_tool")
    assert sorted(before) == ["book_table", "end_call", "free_tables", "transfer_to_human"]
    # Nothing of it reached Twilio or a log: no verb, no header, no line.
    marks = ("19005550100", "evil", "Diversion", "forged", "CloudWatchMetrics")
    assert not [mark for mark in marks if mark in after.text]
    assert exchange.rest_requests == 0
    assert not [mark for mark in (*marks, pattern.text[:25]) if mark in str(lines)]
    assert {record.stats.tool_failures for record in phone.records} == {0, 2}
    assert {name for record in phone.records for name in record.stats.tools} <= {*before, "unknown"}
