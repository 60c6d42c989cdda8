"""A web page on a developer's machine cannot control a stand-in."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from standins.booking_desk.server import BookingDesk
from standins.daily.server import DailyStandin
from standins.ecs.server import EcsStandin
from standins.nova.server import NovaSettings, NovaStandin
from standins.nova.tones import tone_backend
from standins.twilio.server import TwilioExchange
from standins.weather.server import WeatherStandin

PAGES = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:8445"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-origin"},
]


async def ask(url: str, headers: dict[str, str]) -> int:
    """Set a fault as a page can: with a simple POST, which browsers send without a preflight."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(url, content="{}", headers={"content-type": "text/plain", **headers})
    return answer.status_code


STANDINS: dict[str, tuple[Callable[[], AbstractAsyncContextManager[Any]], str]] = {
    "nova": (lambda: NovaStandin(NovaSettings(), tone_backend()), "/faults"),
    "twilio": (TwilioExchange, "/faults"),
    "weather": (WeatherStandin, "/faults"),
    "daily": (DailyStandin, "/control/faults"),
    "ecs": (EcsStandin, "/faults"),
    "desk": (BookingDesk, "/faults"),
}


@pytest.mark.parametrize("name", STANDINS)
async def test_a_page_orders_no_fault(name: str) -> None:
    """The stand-in rejects every page, also one rebound by DNS to this machine, and answers a program."""
    make, path = STANDINS[name]
    async with make() as standin:
        port = standin.control_port if name == "nova" else standin.port
        url = f"http://127.0.0.1:{port}{path}"
        assert [await ask(url, page) for page in PAGES] == [403] * len(PAGES)
        assert await ask(url, {}) != 403
        assert await ask(url, {"sec-fetch-site": "none"}) != 403


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:8445"])
async def test_a_page_gets_no_handset(origin: str) -> None:
    """The stand-in rejects a page's WebSocket before it opens, so the page makes no call."""
    async with TwilioExchange() as exchange:
        url = exchange.url.replace("http", "ws", 1) + "/handsets"
        with pytest.raises(InvalidStatus) as refusal:
            async with connect(url, origin=origin, proxy=None):  # type: ignore[arg-type]  # a NewType of str
                pass
        assert refusal.value.response.status_code == 403
        async with connect(url, proxy=None):
            pass
        assert exchange.calls == {}
