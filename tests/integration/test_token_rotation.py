"""Rotate Twilio's token during calls by the steps of docs/howto/rotate-a-key.md without a rejected call."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import permutations

import pytest

from phone_agent.stream_token import StreamTokenIssuer, StreamTokenRejected
from standins.edge.server import Edge, EdgeSettings
from standins.twilio.server import TwilioExchange
from tests.integration.conftest import House
from tests.support.caller import Caller
from tests.support.edge_setting import PHONE, TEMPLATE
from tests.support.phone_process import PhoneProcess
from tests.support.score import short_notes
from tests.support.waiting import until
from voice_agent.run.ports import free_port

OLD, NEW = "0ld-auth-token", "n3w-auth-token"
STEPS = [f"{OLD}", f"{OLD},{NEW}", f"{NEW},{OLD}", f"{NEW}"]
"""The secret after each deployment; Twilio promotes the new token during the third."""
DURING = [
    # The tasks that run while one deployment replaces another, and the token that Twilio signs with.
    (STEPS[0:2], OLD),
    (STEPS[1:3], OLD),
    (STEPS[2:3], OLD),
    (STEPS[2:3], NEW),
    (STEPS[2:4], NEW),
]
CALLS = 4
REFUSALS = ("request_refused", "stream_refused")


@asynccontextmanager
async def tasks(house: House, edge_url: str) -> AsyncIterator[dict[str, PhoneProcess]]:
    """Run a task for each value of the secret."""
    async with AsyncExitStack() as stack:
        starting = [
            house.start_phone(f"rotation-{number}", TWILIO_AUTH_TOKEN=tokens, PUBLIC_BASE_URL=edge_url)
            for number, tokens in enumerate(STEPS)
        ]
        started = await asyncio.gather(*(stack.enter_async_context(one) for one in starting))
        yield dict(zip(STEPS, started, strict=True))


async def call_all(exchange: TwilioExchange, edge_url: str, house: House) -> None:
    """Make some calls at once and wait for each greeting."""

    async def call() -> None:
        async with Caller(exchange, edge_url) as caller:
            await caller.greeted()

    async with asyncio.TaskGroup() as calls:
        for _ in range(CALLS):
            calls.create_task(call())
    await until(lambda: house.nova.ledger.streams_open == 0)


@pytest.mark.thorough
@pytest.mark.asyncio(loop_scope="session")
async def test_no_call_is_refused_while_the_token_is_replaced(house: House) -> None:
    """Any two tasks can serve a call's webhook and its stream; in the end the old token is invalid."""
    house.score.plan = short_notes
    port = free_port()
    settings = house.exchange.settings
    async with (
        TwilioExchange(replace(settings, auth_token=OLD)) as before,
        TwilioExchange(replace(settings, auth_token=NEW)) as after,
        Edge(EdgeSettings(TEMPLATE, port=port)) as edge,
        tasks(house, edge.url) as running,
    ):
        signing = {OLD: before, NEW: after}
        for values, token in DURING:
            put_behind(edge, [running[value] for value in values])
            await call_all(signing[token], edge.url, house)
        refused = [line for one in running.values() for name in REFUSALS for line in one.lines(name)]
        assert refused == []
        put_behind(edge, [running[STEPS[-1]]])
        await call_all(after, edge.url, house)
        async with Caller(before, edge.url) as caller:
            await caller.until("ended", 30)
        assert [line["status"] for line in running[STEPS[-1]].lines("request_refused")] == [403]


def put_behind(edge: Edge, wanted: Sequence[PhoneProcess]) -> None:
    """Put exactly these tasks behind the load balancer."""
    ports = {one.port for one in wanted}
    for target in edge.targets(PHONE):
        if target.port not in ports:
            edge.deregister(PHONE, target)
    for port in ports - {target.port for target in edge.targets(PHONE)}:
        edge.register(PHONE, ("127.0.0.1", port))


CALL = ("CA" + "1" * 32, "AC" + "0" * 32)


def office(tokens: str) -> StreamTokenIssuer:
    """Return the ticket office of a task with these tokens."""
    return StreamTokenIssuer.from_auth_tokens(tokens.split(","))


@pytest.mark.parametrize(("values", "token"), DURING)
def test_tasks_of_one_step_open_each_others_tickets(values: list[str], token: str) -> None:
    """Tasks of adjacent steps accept each other's tickets: webhook and stream may reach different tasks."""
    for issuing, redeeming in permutations(values, 2):
        office(redeeming).redeem(office(issuing).for_call(*CALL), *CALL)
    assert all(token in value.split(",") for value in values)


@pytest.mark.parametrize(("first", "then"), [(STEPS[0], STEPS[2]), (STEPS[1], STEPS[3])])
def test_a_step_that_is_left_out_costs_calls(first: str, then: str) -> None:
    """Without the middle step, tasks reject each other's tickets, so the guide needs every step."""
    refused = 0
    for issuing, redeeming in permutations([first, then], 2):
        try:
            office(redeeming).redeem(office(issuing).for_call(*CALL), *CALL)
        except StreamTokenRejected:
            refused += 1
    assert refused
