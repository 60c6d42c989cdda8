"""The shared count of streams in DynamoDB, against a simulation that enforces conditions as AWS does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from threading import Barrier
from typing import Any

import boto3
import pytest
import pytest_asyncio
from moto import mock_aws

from agent_core.adapters.dynamodb_table import DynamoDbTable
from agent_core.adapters.stream_table import DynamoStreamTable
from agent_core.quota.pool import Demand, Lease, Pool, granted
from agent_core.quota.shared_count import TableFault
from tests.support.templates import template

POOL = "eu-north-1/amazon.nova-2-5-sonic"
NAME = "pipecat-model-streams"

type Open = Callable[..., DynamoStreamTable]


@pytest_asyncio.fixture
async def task(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    """Return a function that makes one more task's view of the template's table."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    made = template("registry")["Resources"]["ModelStreamsTable"]["Properties"]
    opened: list[DynamoStreamTable] = []

    def open_table(pool: str = POOL, name: str = NAME) -> DynamoStreamTable:
        opened.append(DynamoStreamTable(name, pool, region="eu-north-1"))
        return opened[-1]

    with mock_aws():
        shape = {key: made[key] for key in ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema")}
        boto3.client("dynamodb", "eu-north-1").create_table(**shape)
        yield open_table
    for table in opened:
        await table.aclose()


async def test_tasks_share_a_pool_and_only_one_of_two_writers_wins(task: Open) -> None:
    """Only one of two concurrent writes succeeds; the other task reads again and sees it."""
    one, other = task(), task()
    assert await one.read() == Pool()
    before = await other.read()
    assert await one.write(granted(await one.read(), "one", Demand(more_calls=3, leaving=True), 20, 1000.0))
    assert not await other.write(granted(before, "other", Demand(more_calls=3), 20, 1000.0))
    found = await other.read()
    assert (found.version, found.leases) == (1, {"one": Lease(3, 0, 1060.0)})
    assert await other.write(granted(found, "other", Demand(calls=1, more_seconds=1, leaving=True), 20, 1000.0))
    assert (await one.read()).leases.keys() == {"one", "other"}


async def test_each_region_of_the_model_has_a_pool_of_its_own(task: Open) -> None:
    """Each region of the model has its own pool, because it has its own quota."""
    near, far = task(), task("us-east-1/amazon.nova-2-5-sonic")
    assert await near.write(granted(Pool(), "one", Demand(more_calls=1), 20, 1000.0))
    assert await far.read() == Pool()


async def test_a_table_that_is_not_there_is_a_fault_like_any_other(task: Open) -> None:
    """A missing table raises the usual error, which the keeper handles without a wait."""
    with pytest.raises(TableFault, match="ResourceNotFoundException"):
        await task(name="pipecat-another").read()


async def test_each_thread_of_a_table_has_a_client_of_its_own(task: Open) -> None:
    """Each thread has a separate client of the table.

    boto3 numbers the placeholders of a condition in its client, so two threads that share one can get the same.
    """
    task()
    table, together = DynamoDbTable(NAME, region="eu-north-1", fault=TableFault, threads=4), Barrier(4)

    def client(table: Any) -> object:  # noqa: ANN401 - boto3 makes its class at run time
        together.wait(30)
        return table.meta.client

    try:
        clients = await asyncio.gather(*(table.request(client) for _ in range(4)))
    finally:
        table.close()
    assert len({id(one) for one in clients}) == 4
