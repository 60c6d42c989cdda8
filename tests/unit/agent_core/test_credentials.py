"""Whatever the chain of credentials raises is an error of the model's, so that it is tried again and told."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError
from botocore.session import Session

from agent_core.errors import ModelError, ModelRejected, ModelUnavailable
from agent_core.nova.credentials import CredentialSource

DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "AssumeRole")


async def _failure(found: object, monkeypatch: pytest.MonkeyPatch) -> ModelError:
    monkeypatch.setattr(Session, "get_credentials", lambda _session: found)
    with pytest.raises(ModelError) as caught:
        await CredentialSource().frozen()
    return caught.value


class Chain:
    """Credentials that cannot be had."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_frozen_credentials(self) -> None:
        """Fail."""
        raise self._error


@pytest.mark.parametrize("error", [DENIED, ValueError("no JSON"), KeyError("AccessKeyId"), FileNotFoundError("helper")])
async def test_keys_that_are_refused_may_come_later(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text stays out of it: it may name accounts and roles."""
    failure = await _failure(Chain(error), monkeypatch)
    assert isinstance(failure, ModelUnavailable)
    assert failure.reason == f"nova_sonic: CredentialsError: {type(error).__name__}"


async def test_keys_that_are_too_old_when_they_come_may_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore raises a bare RuntimeError of them."""
    past = datetime.now(UTC) - timedelta(hours=1)
    again = {"access_key": "a", "secret_key": "b", "token": "c", "expiry_time": past.isoformat()}
    keys = RefreshableCredentials("a", "b", "c", past, lambda: again, "test")
    assert isinstance(await _failure(keys, monkeypatch), ModelUnavailable)


async def test_no_keys_at_all_are_final(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has to set something."""
    assert isinstance(await _failure(None, monkeypatch), ModelRejected)
