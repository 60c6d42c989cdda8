"""Processes start and stop behind the load balancer's stand-in while it runs, as in a deployment."""

from collections.abc import AsyncIterator

import httpx
import pytest
from websockets.asyncio.client import connect

from standins.edge.control import control_app
from standins.serving import serving
from tests.support.edge_setting import PHONE, WEB, Setting, answered, get, placed, talk
from tests.support.edge_targets import TellingApp
from tests.support.waiting import until


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    """Run a load balancer with three processes behind it."""
    async with placed() as running:
        yield running


@pytest.fixture
async def control(setting: Setting) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the load balancer's control server."""
    async with (
        serving(control_app(setting.edge), host="127.0.0.1", port=0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        yield client


async def _order(control: httpx.AsyncClient, method: str, group: str, address: str) -> httpx.Response:
    return await control.request(method, "/targets", json={"group": group, "address": address})


async def test_a_process_takes_the_place_of_another(setting: Setting, control: httpx.AsyncClient) -> None:
    """A new process gets new calls; the old one keeps its connection and leaves when it closes."""
    (old,) = setting.edge.targets(PHONE)
    async with TellingApp("new phone").serving() as (host, port):
        async with connect(f"ws://127.0.0.1:{setting.edge.port}/media-stream", proxy=None) as line:
            assert (await _order(control, "POST", PHONE, f"{host}:{port}")).status_code == 200
            assert (await _order(control, "DELETE", PHONE, old.address)).status_code == 200
            assert answered(await talk(setting.edge.port, get("/incoming-call")))["service"] == "new phone"
            await line.send("still on")
            assert await line.recv() == "still on"
            by_address = {one["address"]: one for one in (await control.get("/targets")).json()}
            assert (by_address[old.address]["leaving"], by_address[old.address]["outstanding"]) == (True, 1)
        await until(lambda: [target.port for target in setting.edge.targets(PHONE)] == [port])
    unused = [event for event in setting.events if event["event"] == "target_unused"]
    assert [(event["target"], event["cut"]) for event in unused] == [(old.address, 0)]


async def test_a_process_without_work_is_gone_at_once(setting: Setting, control: httpx.AsyncClient) -> None:
    """The load balancer removes an idle process at once, because it has no connection to drain."""
    first, second = setting.edge.targets(WEB)
    await _order(control, "DELETE", WEB, first.address)
    await until(lambda: setting.edge.targets(WEB) == [second])


async def test_what_cannot_be_done_is_said(setting: Setting, control: httpx.AsyncClient) -> None:
    """The control server reports an impossible change: a wrong process name must not look like success."""
    (phone,) = setting.edge.targets(PHONE)
    assert (await _order(control, "DELETE", PHONE, "127.0.0.1:1")).status_code == 404
    assert (await _order(control, "POST", "NoSuchGroup", phone.address)).status_code == 404
    assert (await _order(control, "POST", PHONE, phone.address)).status_code == 409
    assert (await _order(control, "POST", PHONE, "nowhere")).status_code == 400
