"""Both web applications reject foreign host names, and hide from clients how full they are."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from agent_core import web
from agent_core.agent_runtime import AgentRuntime
from agent_core.observability.meter import Meter
from agent_core.settings import CoreSettings
from tests.support.agents import one_agent
from tests.support.scripted_model import ScriptedModel

OWN = "agent.example"


def _client(app: FastAPI, address: str = "127.0.0.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=(address, 1234))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{OWN}")


@pytest_asyncio.fixture
async def app() -> AsyncIterator[FastAPI]:
    """Return an application with one page."""
    settings = CoreSettings.model_validate({"public_base_url": f"https://{OWN}"})
    made = FastAPI()
    made.state.meter = Meter("unnamed")
    web.install(made, AgentRuntime(settings, ScriptedModel(), one_agent([]), lambda _: None, meter=made.state.meter))

    @made.get("/broken")
    async def broken() -> str:
        raise ZeroDivisionError

    @made.get("/page")
    async def page() -> str:
        return "page"

    yield made


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (OWN, 200),
        ("AGENT.example:443", 200),
        ("127.0.0.1:7860", 200),
        ("[::1]:7860", 200),
        ("phone-agent:7860", 200),
        ("evil.example", 421),
        ("evil.example:443", 421),
        (f"{OWN}.evil.example", 421),
        ("1.2.3.4.evil.example", 421),
    ],
)
async def test_the_name_of_another_site_is_refused(app: FastAPI, host: str, status: int) -> None:
    """A foreign host name is rejected, except for health checks, which use other names or the address."""
    async with _client(app) as client:
        assert (await client.get("/page", headers={"host": host})).status_code == status
        assert (await client.get("/health", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    ("address", "headers", "allowed"),
    [
        ("127.0.0.1", {}, True),
        ("10.0.3.4", {}, True),
        ("10.0.3.4", {"x-forwarded-for": "192.0.2.1"}, False),
        ("8.8.8.8", {}, False),
    ],
)
async def test_strangers_are_not_told_how_full_it_is(
    app: FastAPI, address: str, headers: dict[str, str], *, allowed: bool
) -> None:
    """Only a direct request from the private network sees how full the service is."""
    async with _client(app, address) as client:
        answer = await client.get("/ready", headers=headers)
    assert answer.status_code == (200 if allowed else 404)
    assert ("sessions" in answer.json()) == allowed


async def test_a_defect_is_answered_in_a_sentence_and_counted(app: FastAPI) -> None:
    """The count of defects rolls a deployment back; the trace stays in the log."""
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1234), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{OWN}") as client:
        answer = await client.get("/broken")
    assert (answer.status_code, "ZeroDivision" in answer.text) == (500, False)
    assert answer.json()["info"] == answer.json()["error"]
    counted = [one["Defects"] for one in app.state.meter.documents() if "Defects" in one]
    assert counted == [1]


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_monitors_may_ask_for_the_head_alone(app: FastAPI, path: str) -> None:
    """HEAD returns the same headers, for `curl -I` and uptime services; other methods are rejected."""
    async with _client(app, "127.0.0.1") as client:
        whole, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.headers["content-type"]) == (200, whole.headers["content-type"])
        assert head.headers["content-length"] == whole.headers["content-length"]
        assert (await client.post(path)).status_code == 405
