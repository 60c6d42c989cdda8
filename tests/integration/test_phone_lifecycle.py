"""A phone service's credentials and log: keys that rotate, and what a log must not contain."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from standins.serving import serving
from tests.integration.conftest import API_SECRET, AUTH_TOKEN, MODEL_SECRET, House
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.score import note, short_notes, use

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Vending:
    """Returns AWS credentials as a container's agent does: a new pair each time, valid for a minute."""

    def __init__(self) -> None:
        self.requests = 0

    async def answer(self, request: Request) -> Response:
        """Return the next pair."""
        if request.headers.get("authorization") != "canary-container-token":
            return Response(status_code=HTTPStatus.FORBIDDEN)
        self.requests += 1
        until = datetime.now(UTC) + timedelta(seconds=60)
        return JSONResponse(
            {
                "AccessKeyId": f"vended-{self.requests}",
                "SecretAccessKey": f"vended-secret-{self.requests}",
                "Token": "canary-session-token",
                "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )


@asynccontextmanager
async def _with_vended_keys(house: House, vending: Vending) -> AsyncIterator[PhoneProcess]:
    app = Starlette(routes=[Route("/keys", vending.answer)])
    async with serving(app, host="127.0.0.1", port=0) as port:
        settings = {
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{port}/keys",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "canary-container-token",
        }
        async with house.start_phone("keys", **settings) as phone:
            yield phone


async def test_keys_come_from_the_container_and_are_renewed(house: House) -> None:
    """Without static keys, the service signs each stream with credentials that are currently valid."""
    house.score.plan = short_notes
    vending = Vending()
    async with _with_vended_keys(house, vending) as phone:
        used = []
        for _ in range(2):
            async with Caller(house.exchange, phone.url) as caller:
                await caller.greeted()
            await phone.record(caller.sid)
            (model_session,) = phone.model_sessions(caller.sid)
            used.append(house.nova.ledger.sessions[model_session].access_key_id)
        assert all(key.startswith("vended-") for key in used)
        assert used[0] != used[1]
        assert "canary" not in phone.log.read_text()


async def test_the_log_keeps_secrets_numbers_and_words_to_itself(phone: PhoneProcess, house: House) -> None:
    """At INFO the log has identifiers, counts and one record per call, but no words, numbers or keys."""
    spoken = "canary-of-an-answer"
    question = use("get_current_weather", location="Canarytown://", format="celsius")
    house.score.plan = lambda turn: [question if turn.number == 1 else note(400, 200, spoken)]
    async with Caller(house.exchange, phone.url, caller="+15005550188") as caller:
        await caller.greeted()
        await caller.ask()
        caller.call.press("9")
        caller.send_raw("canary-of-nonsense")
        await caller.ask()
    await phone.record(caller.sid)
    (model_session,) = phone.model_sessions(caller.sid)
    assert any(spoken in words.text for words in house.nova.ledger.sessions[model_session].said)
    log = phone.log.read_text()
    secrets = [AUTH_TOKEN, API_SECRET, MODEL_SECRET, house.exchange.settings.api_key_sid]
    said_and_sent = ["canary", "Canarytown", "turn 1", "key 9", "You are the voice", "has just been connected"]
    numbers = ["5005550188", "5005550006", "5005550001"]
    assert [word for word in secrets + said_and_sent + numbers if word in log] == []
    assert all(isinstance(json.loads(line), dict) for line in log.splitlines())
