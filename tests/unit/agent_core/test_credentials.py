"""Every error of the credential chain becomes a model error, so that it is retried and reported."""

import asyncio
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError
from botocore.session import Session

from agent_core.errors import ModelError, ModelRejected, ModelUnavailable
from agent_core.nova.credentials import CredentialSource
from tests.support.waiting import until

DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "AssumeRole")


async def _failure(found: object, monkeypatch: pytest.MonkeyPatch) -> ModelError:
    monkeypatch.setattr(Session, "get_credentials", lambda _session: found)
    with pytest.raises(ModelError) as caught:
        await CredentialSource().frozen()
    return caught.value


class Chain:
    """Credentials that cannot be resolved."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_frozen_credentials(self) -> None:
        """Fail."""
        raise self._error


@pytest.mark.parametrize("error", [DENIED, ValueError("no JSON"), KeyError("AccessKeyId"), FileNotFoundError("helper")])
async def test_keys_that_are_refused_may_come_later(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejected keys are retried, and the error omits the text, which may name accounts and roles."""
    failure = await _failure(Chain(error), monkeypatch)
    assert isinstance(failure, ModelUnavailable)
    assert failure.reason == f"nova_sonic: CredentialsError: {type(error).__name__}"


async def test_keys_that_are_too_old_when_they_come_may_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore raises a bare RuntimeError for expired keys, which is retried."""
    past = datetime.now(UTC) - timedelta(hours=1)
    again = {"access_key": "a", "secret_key": "b", "token": "c", "expiry_time": past.isoformat()}
    keys = RefreshableCredentials("a", "b", "c", past, lambda: again, "test")
    assert isinstance(await _failure(keys, monkeypatch), ModelUnavailable)


async def test_no_keys_at_all_are_final(monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing credentials are final: an operator must configure them."""
    assert isinstance(await _failure(None, monkeypatch), ModelRejected)


class Endpoint:
    """Issues keys with a fixed lifetime, unless it hangs."""

    def __init__(self, lifetime: timedelta) -> None:
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()
        self._lifetime = lifetime

    def credentials(self) -> RefreshableCredentials:
        """Return what botocore refreshes there."""
        return RefreshableCredentials(refresh_using=self._refresh, method="test", **self._next())

    def _refresh(self) -> dict[str, str]:
        self.asked += 1
        self.answers.wait()
        fields = self._next()
        return {**fields, "expiry_time": fields["expiry_time"].isoformat()}

    def _next(self) -> dict[str, Any]:
        expiry = datetime.now(UTC) + self._lifetime
        return {"access_key": f"key-{self.asked}", "secret_key": "b", "token": "c", "expiry_time": expiry}


async def test_an_endpoint_that_hangs_is_asked_once_and_keeps_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many look-ups time out, one thread asks the endpoint once, and the shared pool stays free."""
    endpoint = Endpoint(timedelta(seconds=1))  # expired from the beginning
    monkeypatch.setattr(Session, "get_credentials", lambda _session: endpoint.credentials())
    endpoint.answers.clear()
    source = CredentialSource(timedelta(seconds=0.05))
    before = threading.active_count()
    for _ in range(10):
        with pytest.raises(ModelUnavailable, match="CredentialsTimeout"):
            await source.frozen()
    assert endpoint.asked == 1
    assert threading.active_count() == before + 1
    assert await asyncio.to_thread(int) == 0, "the pool that others use is free"
    endpoint.answers.set()
    endpoint._lifetime = timedelta(hours=1)
    await until(lambda: source._looking is not None and source._looking.done())
    with suppress(ModelUnavailable):
        await source.frozen()
    assert (await source.frozen()).access_key


async def test_known_keys_are_used_while_the_next_ones_do_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """While known keys are valid for minutes, one stream waits a moment for new ones, and the others do not."""
    endpoint = Endpoint(timedelta(minutes=12))  # botocore refreshes them 15 minutes before the end
    monkeypatch.setattr(Session, "get_credentials", lambda _session: endpoint.credentials())
    source = CredentialSource(timedelta(seconds=0.2))
    assert (await source.frozen()).access_key
    endpoint.answers.clear()
    asked = endpoint.asked
    first = await source.frozen()
    async with asyncio.timeout(0.1):
        assert await source.frozen() == await source.frozen() == first
    assert endpoint.asked == asked + 1
    endpoint.answers.set()


async def test_a_look_that_one_gives_up_goes_on_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """If one of two callers hangs up during a look-up, the other one still gets the keys."""
    endpoint = Endpoint(timedelta(hours=1))
    reached = threading.Event()

    def slow(_session: Session) -> RefreshableCredentials:
        reached.set()
        endpoint.answers.wait()
        return endpoint.credentials()

    monkeypatch.setattr(Session, "get_credentials", slow)
    endpoint.answers.clear()
    source = CredentialSource()
    gone, other = asyncio.create_task(source.frozen()), asyncio.create_task(source.frozen())
    await until(reached.is_set)
    gone.cancel()
    endpoint.answers.set()
    assert (await other).access_key == "key-0"
