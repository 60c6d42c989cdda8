"""`voice-agent rehearse --url` against both services behind a load balancer; it knows only address and token."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio

from standins.edge.server import Edge, EdgeSettings
from standins.nova.server import NovaSettings, NovaStandin
from standins.nova.speech import speech_backend
from standins.twilio.server import TwilioExchange
from tests.support.edge_setting import PHONE, TEMPLATE, WEB
from tests.support.open_agents import open_restaurant
from tests.support.phone_process import PhoneProcess, phone_process
from tests.support.rows import booked_tables
from tests.support.web_process import WebProcess, web_process
from voice_agent.run.ports import free_port

_SECONDS = 500.0


@dataclass(frozen=True)
class Deployment:
    """Two services that know nothing of the rehearsals."""

    edge: Edge
    account: TwilioExchange
    """Twilio as the deployment knows it; the calls of the rehearsals are not among its own."""
    phone: PhoneProcess
    web: WebProcess
    agents: Path
    book: Path


@pytest_asyncio.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    """Start the services as a deployment does: each on its own, with one public address."""
    agents, book, port = open_restaurant(tmp_path), tmp_path / "bookings.sqlite", free_port()
    settings = {
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "CALL_STORE": f"file:{tmp_path / 'calls'}",
        "AGENTS_DIR": str(agents),
        "BOOKINGS_FILE": str(book),
    }
    async with AsyncExitStack() as stack:
        nova_settings = NovaSettings(certificates=tmp_path)
        nova = await stack.enter_async_context(NovaStandin(nova_settings, speech_backend(agents)))
        account = await stack.enter_async_context(TwilioExchange())
        phone_log, web_log = tmp_path / "phone.jsonl", tmp_path / "web.jsonl"
        phone = await stack.enter_async_context(phone_process(nova, account, phone_log, settings))
        web = await stack.enter_async_context(web_process(nova, web_log, settings))
        targets = {PHONE: [("127.0.0.1", phone.port)], WEB: [("127.0.0.1", web.port)]}
        edge = await stack.enter_async_context(Edge(EdgeSettings(TEMPLATE, targets, port=port)))
        yield Deployment(edge, account, phone, web, agents, book)


async def rehearse(deployment: Deployment, folder: Path, *options: str, token: str = "") -> tuple[int, str]:
    """Run the command in a folder, with nothing of the deployment but address and account; return code and output."""
    known = {
        "TWILIO_ACCOUNT_SID": deployment.account.settings.account_sid,
        "TWILIO_AUTH_TOKEN": token or deployment.account.settings.auth_token,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TWILIO_"))}
    words = ("rehearse", str(deployment.agents / "restaurant"), "--url", deployment.edge.url, *options)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "voice_agent", *words),
        cwd=folder,
        env=inherited | known,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode or 0, out.decode()


async def test_a_deployment_is_rehearsed_three_times_on_both_channels(deployment: Deployment, tmp_path: Path) -> None:
    """The cost comes first; then three calls and three visits book six tables, and each has one end record."""
    code, out = await rehearse(deployment, tmp_path, "--only", "in one sentence", "--over", "both", "--at-once", "2")
    assert code == 0, out
    first, *rest = out.splitlines()
    assert first.startswith("1 rehearsal, 3 times each on 2 channels: about 3 minutes of speech, which cost about $")
    held = sorted(line for line in rest if line.startswith("a table in one sentence"))
    assert held == sorted(
        f"a table in one sentence ({channel}{attempt})"
        for channel in ("phone", "web")
        for attempt in ("", ", attempt 2", ", attempt 3")
    )
    assert "wire 6 of 6" in out
    assert [(people, name) for _, people, name in booked_tables(deployment.book)] == [(4, "Baker")] * 6
    for service in (deployment.phone, deployment.web):
        records = service.lines("session_ended")
        assert [record["agent"] for record in records] == ["restaurant"] * 3


async def test_a_wrong_token_is_a_failed_call(deployment: Deployment, tmp_path: Path) -> None:
    """The deployment refuses calls that another account signed, and the output says so."""
    code, out = await rehearse(deployment, tmp_path, "--only", "goodbye", "--times", "1", token="0" * 32)
    assert code == 1, out
    assert "wire 0 of 1" in out
    assert "FAILED goodbye, call" in out
