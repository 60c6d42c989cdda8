"""Faults 16 and 17: the keys that sign a stream expire, and the endpoint that issues them is down for a while."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent_core.nova.credentials import CredentialSource
from standins.nova.server import NovaSettings, NovaStandin
from standins.serving import serving
from tests.support.score import Score
from tests.support.talk import Talk, client, talking
from tests.support.waiting import until

SCALE = 20
"""Eight minutes pass in 24 seconds."""


class Vending:
    """Issues new keys for each request, valid for three seconds, as a container's credential endpoint does."""

    def __init__(self) -> None:
        self.handed_out = 0
        self.asked_in_vain = 0
        self.down = False

    async def answer(self, _: Request) -> Response:
        """Return the next keys, or an error."""
        if self.down:
            self.asked_in_vain += 1
            return Response(status_code=503)
        self.handed_out += 1
        expires = datetime.now(UTC) + timedelta(seconds=3)
        return JSONResponse(
            {
                "AccessKeyId": f"vended-{self.handed_out}",
                "SecretAccessKey": f"secret-{self.handed_out}",
                "Token": "token",
                "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )


@pytest_asyncio.fixture
async def vending(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Vending]:
    """Run the endpoint, and point the default credential chain at it."""
    counter = Vending()
    app = Starlette(routes=[Route("/keys", counter.answer)])
    async with serving(app, host="127.0.0.1", port=0) as port:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{port}/keys")
        yield counter


@pytest_asyncio.fixture
async def nova(tmp_path: Path) -> AsyncIterator[NovaStandin]:
    """Run the model, which accepts only those keys."""
    keys = {f"vended-{number}": f"secret-{number}" for number in range(1, 50)}
    settings = NovaSettings(certificates=tmp_path, keep_sound=True, clock_scale=SCALE, credentials=keys)
    async with NovaStandin(settings, Score().backend()) as running:
        yield running


async def _talk_until(talk: Talk, renewals: int) -> None:
    await until(lambda: bool(talk.agent_said()), 5)
    while talk.stats.renewals < renewals:
        await talk.ask()
        await asyncio.sleep(0.3)


async def test_fault_16_the_keys_expire_in_the_middle_of_a_call(nova: NovaStandin, vending: Vending) -> None:
    """A stream outlives the keys that opened it; the next stream is signed with new keys."""
    talk = Talk(nova, client(nova, CredentialSource()), 360 / SCALE)
    async with talking(talk):
        await _talk_until(talk, 1)
        await talk.ask()
    assert talk.failure is None
    used = [record.access_key_id for record in talk.records()]
    assert len(set(used)) == 2
    assert vending.handed_out >= 2
    assert talk.phrases == []
    talk.balance()
    talk.nothing_was_torn()


async def test_fault_17_nobody_hands_out_keys_for_a_while(nova: NovaStandin, vending: Vending) -> None:
    """The call continues, and its stream is renewed once there are keys again; a new call hears an apology."""
    nova.clock.run_at(10)
    talk = Talk(nova, client(nova, CredentialSource()), 36)
    late = Talk(nova, client(nova, CredentialSource()), 36)
    began = asyncio.get_running_loop().time()
    async with talking(talk):
        await until(lambda: bool(talk.agent_said()), 5)
        while asyncio.get_running_loop().time() - began < 31:
            await talk.ask()
            await asyncio.sleep(2)
        vending.down = True
        late.connection.read("Greet the caller.")
        await asyncio.wait_for(late.run(), 15)
        vending.down = False
        await _talk_until(talk, 1)
        await talk.ask()
    await late.connection.close()
    assert vending.asked_in_vain > 0
    assert late.failure is not None
    assert late.phrases
    assert talk.failure is None
    assert talk.phrases == []
    talk.balance()
    talk.nothing_was_torn()
