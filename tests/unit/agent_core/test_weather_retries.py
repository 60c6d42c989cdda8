"""A request to Open-Meteo is retried once, after a short pause, for errors that a retry may cure."""

import asyncio
from itertools import pairwise

import httpx
import pytest

from agent_core.errors import UpstreamError
from agents.weather.open_meteo.fetch import fetch
from agents.weather.weather_report import TooManyRequests

URL = "https://api.open-meteo.com/v1/forecast"

type Answer = Exception | tuple[int, dict[str, str]]

OK: Answer = (200, {"content-type": "application/json"})
NOW, SOON, LATER = ({"retry-after": seconds} for seconds in ("0", "1", "60"))


class Server:
    """Answers one request after the other as scripted, then repeats the last answer; records the times."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = answers
        self.times: list[float] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        answer = self._answers[min(len(self.times), len(self._answers) - 1)]
        self.times.append(asyncio.get_running_loop().time())
        if isinstance(answer, Exception):
            raise answer
        status, headers = answer
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(b"{}"), request=request)

    async def ask(self) -> bytes:
        """Send it a request, with all retries."""
        async with httpx.AsyncClient(transport=httpx.MockTransport(self)) as client:
            return await fetch(client, URL, {})


@pytest.mark.parametrize(
    "passing", [(500, {}), (503, NOW), (429, {}), (429, NOW), httpx.ConnectError("refused"), httpx.ReadError("reset")]
)
async def test_one_passing_failure_is_followed_by_one_try(passing: Answer) -> None:
    """One temporary failure is followed by one retry, after 50 to 250 ms."""
    server = Server(passing, OK)
    assert await server.ask() == b"{}"
    ((first, second),) = pairwise(server.times)
    assert 0.05 <= second - first <= 0.3


@pytest.mark.parametrize(
    ("answer", "tries", "reason"),
    [
        ((500, {}), 2, "http_500"),
        ((503, SOON), 1, "http_503"),
        ((503, LATER), 1, "http_503"),
        ((404, {}), 1, "http_404"),
        ((302, {"location": "https://elsewhere.example"}), 1, "http_302"),
        ((200, {"content-type": "text/html"}), 1, "not_json"),
        (httpx.ConnectError("refused"), 2, "ConnectError"),
    ],
)
async def test_a_lasting_failure_is_raised_as_it_is(answer: Answer, tries: int, reason: str) -> None:
    """The error is raised after the retry, or at once where a retry would not help."""
    server, began = Server(answer), asyncio.get_running_loop().time()
    with pytest.raises(UpstreamError, match=f"open_meteo: {reason}$"):
        await server.ask()
    assert len(server.times) == tries
    assert asyncio.get_running_loop().time() - began <= 0.3


@pytest.mark.parametrize(("headers", "tries", "seconds"), [({}, 2, 60), (SOON, 1, 1), (LATER, 1, 60)])
async def test_a_429_that_lasts_says_until_when(headers: dict[str, str], tries: int, seconds: float) -> None:
    """A lasting 429 says when to ask again: a pause that a caller cannot wait for is reported."""
    server = Server((429, headers))
    with pytest.raises(TooManyRequests) as refused:
        await server.ask()
    assert (len(server.times), refused.value.retry_after) == (tries, seconds)


async def test_a_time_out_is_not_tried_again() -> None:
    """A timeout is not retried, since the caller has waited long enough."""

    async def hang(_: httpx.Request) -> httpx.Response:
        tries.append(None)
        await asyncio.sleep(60)
        return httpx.Response(200)

    tries: list[None] = []
    async with httpx.AsyncClient(transport=httpx.MockTransport(hang)) as client:
        with pytest.raises(UpstreamError, match="timeout"):
            await fetch(client, URL, {})
    assert len(tries) == 1
