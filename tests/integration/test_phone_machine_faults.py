"""Fault 39: the machine under a call has a fault, and the call continues."""

import asyncio
import os
import signal
import socket
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from agent_core.tools.registry import ToolRegistry
from agents.weather.open_meteo import OpenMeteo
from tests.integration.conftest import MODEL_SECRET, House
from tests.support.agents import weather_tools
from tests.support.books import balance
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess, phone_process
from tests.support.score import short_notes
from tests.support.virtual import stop
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _logging_to(house: House, place: Path) -> AbstractAsyncContextManager[PhoneProcess]:
    house.score.plan = short_notes
    settings = {"AWS_SECRET_ACCESS_KEY": MODEL_SECRET, "METRICS_INTERVAL_SECONDS": "0.1"}
    return phone_process(house.nova, house.exchange, place, settings)


async def _talks(house: House, phone: PhoneProcess) -> None:
    async with Caller(house.exchange, phone.url) as caller:
        await caller.greeted()
        await caller.ask()
        await caller.ask()
        assert caller.notes() == [400, 600, 800]
    await until(lambda: house.nova.ledger.streams_open == 0)


async def test_fault_39_no_space_left_for_the_log(house: House) -> None:
    """A full disk loses log lines only: the call is complete, and the service exits cleanly."""
    async with _logging_to(house, Path("/dev/full")) as phone:
        await _talks(house, phone)
        phone.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(phone.process.wait(), 10) == 0


async def test_fault_39_nobody_reads_the_log(house: House, tmp_path: Path) -> None:
    """A full log pipe, as behind a log driver that hangs, blocks neither the call nor the exit."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        while True:
            try:
                os.write(reader, b"x" * 512)
            except BlockingIOError:
                break
        async with _logging_to(house, pipe) as phone:
            await _talks(house, phone)
            phone.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(phone.process.wait(), 10) == 0
    finally:
        os.close(reader)


async def test_fault_39_a_process_that_stands_still_for_two_seconds(house: House) -> None:
    """After a pause of two seconds the process answers the call, and the metric of loop delays records it."""
    house.score.plan = short_notes
    async with house.start_phone("still", METRICS_INTERVAL_SECONDS="0.2") as phone:
        async with Caller(house.exchange, phone.url) as caller:
            await caller.greeted()
            stop(phone.process.pid)
            await asyncio.sleep(2.5)
            phone.process.send_signal(signal.SIGCONT)
            await caller.ask()
            assert caller.notes()[:2] == [400, 600]
            await until(lambda: max(phone.loop_lags(), default=0) > 1000)
        assert (await balance(phone, house, caller.sid))["reason"] == "caller_hung_up"


async def test_fault_39_names_that_nobody_resolves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool reports a host name that does not resolve like any other failure."""

    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    url = "http://weather.localhost/"
    async with OpenMeteo(forecast_url=url, geocoding_url=url) as source:
        tools = ToolRegistry(weather_tools(source), on_call=lambda _record: None)
        result = await tools.call("get_current_weather", {"location": "Oslo", "format": "celsius"})
    assert (result.outcome, result.value["error"]) == ("error", "weather_unavailable")
