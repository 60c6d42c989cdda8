"""The booking desk as the official SDK's own client sees it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from mcp import types
from mcp.client.client import Client

from standins.booking_desk.faults import DeskFault
from standins.booking_desk.server import KEY, BookingDesk, DeskSettings

DAY = "2027-01-15"


@pytest_asyncio.fixture(params=[False, True], ids=["stateless", "sessions"])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[BookingDesk]:
    """Run the desk in each form of the protocol."""
    async with BookingDesk(DeskSettings(sessions=request.param)) as running:
        yield running


async def call(client: Client, tool: str, key: str = "", **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Call a tool; return its structured content, or the text of its refusal."""
    meta = types.RequestParamsMeta(**{KEY: key}) if key else None  # type: ignore[typeddict-unknown-key] # ours
    result = await client.call_tool(tool, arguments, meta=meta)
    if result.is_error:
        assert isinstance(result.content[0], types.TextContent)
        return {"refused": result.content[0].text}
    found: dict[str, Any] = result.structured_content or {}
    return found


async def test_a_client_of_the_sdk_books_cancels_and_waits(desk: BookingDesk) -> None:
    """Its tools, schemas and results are those of the protocol: the SDK validates them."""
    async with Client(desk.mcp_url) as client:
        listed = await client.list_tools()
        assert [tool.name for tool in listed.tools] == [
            "free_tables",
            "book_table",
            "join_waiting_list",
            "cancel_booking",
        ]
        booked = await call(client, "book_table", day=DAY, time="19:30", people=2, name="Ada")
        assert booked == {"number": 1, "day": DAY, "time": "19:30", "people": 2, "name": "Ada"}
        waiting = await call(client, "join_waiting_list", day=DAY, people=4, name="Bo")
        assert waiting == {"number": 2, "day": DAY, "people": 4, "position": 1}
        assert (await call(client, "cancel_booking", number=1))["cancelled"]["name"] == "Ada"
        assert "there is no booking 1" in (await call(client, "cancel_booking", number=1))["refused"]


async def test_four_tables_are_taken_and_the_fifth_is_refused(desk: BookingDesk) -> None:
    """The same key again is the same booking, and takes no table."""
    async with Client(desk.mcp_url) as client:
        for number in range(8):
            made = await call(client, "book_table", f"k{number // 2}", day=DAY, time="19:30", people=2, name="Ada")
            assert made["number"] == number // 2 + 1
        full = await call(client, "book_table", "k9", day=DAY, time="19:30", people=2, name="Ada")
        assert "no table is free at 19:30" in full["refused"]
        assert "19:30" not in (await call(client, "free_tables", day=DAY, people=2))["times"]


async def test_the_control_api_plays_and_forgets_faults() -> None:
    """A fault that is none is refused; calls and bookings can be inspected."""
    async with BookingDesk() as desk, httpx.AsyncClient(base_url=desk.url, trust_env=False) as control:
        for wrong in (
            '{"action": "explode"}',
            "[]",
            "{",
            '{"action": "slow", "times": 0}',
            '{"action": "slow", "x": 1}',
        ):
            assert (await control.post("/faults", content=wrong)).status_code == 400
        await control.post("/faults", json={"action": "error", "on": "free_tables"})
        async with Client(desk.mcp_url) as client:
            assert "refused" in await call(client, "free_tables", day=DAY, people=2)
            assert (await call(client, "free_tables", day=DAY, people=2))["times"]
            await call(client, "book_table", "key", day=DAY, time="19:30", people=2, name="Ada")
        assert (await control.get("/faults")).json() == []
        assert [one["name"] for one in (await control.get("/bookings")).json()] == ["Ada"]
        assert [one["key"] for one in (await control.get("/calls")).json()] == ["", "", "key"]
        desk.fail(DeskFault("slow"))
        assert (await control.delete("/faults")).status_code == 204
        assert (await control.get("/health")).json()["status"] == "ok"


async def test_without_the_token_nothing_is_answered() -> None:
    """Health is."""
    async with (
        BookingDesk(DeskSettings(token="t")) as desk,
        httpx.AsyncClient(base_url=desk.url, trust_env=False) as anyone,
    ):
        assert (await anyone.post("/mcp", json={})).status_code == 401
        assert (await anyone.get("/health")).status_code == 200
