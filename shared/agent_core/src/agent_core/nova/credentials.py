"""Look up the AWS credentials that sign requests to the model.

botocore reads the environment, shared files, SSO, the container endpoint and instance metadata, and refreshes expiring
keys 10 to 15 minutes ahead. A static key pair is never required. The keys are frozen for each stream, because every
event of a stream must be signed with the key that signed its request.
"""

import asyncio
from datetime import timedelta
from typing import Any, Final

from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from agent_core.aside import Aside
from agent_core.errors import ModelRejected, ModelUnavailable

_CHAIN_ERRORS = (BotoCoreError, ClientError, RuntimeError, ValueError, KeyError, OSError)
"""botocore raises no common base class here: STS errors, expired refreshes, missing credential processes."""
_STILL_GOOD_SECONDS: Final = 60
"""While the source does not answer, cached keys are used if they are valid for at least this long."""


class CredentialSource:
    """Look up the process's AWS credentials.

    Only one lookup runs at a time, in its own thread. Later requests share it, even after the first caller was
    cancelled, so a hanging endpoint receives one request and occupies one thread.

    Args:
        deadline: Limit for one lookup; the chain may call an endpoint.
    """

    def __init__(self, deadline: timedelta = timedelta(seconds=5)) -> None:
        self._deadline = deadline
        self._aside = Aside("credentials")
        self._credentials: Credentials | None = None
        self._known: ReadOnlyCredentials | None = None
        self._looking: asyncio.Future[ReadOnlyCredentials] | None = None

    async def frozen(self) -> ReadOnlyCredentials:
        """Return credentials that are currently valid.

        Raises:
            ModelRejected: the chain found no credentials.
            ModelUnavailable: the credential source timed out, refused, or returned unusable keys.
        """
        # A running lookup may hang; valid cached keys must not wait for it.
        if self._looking is not None and not self._looking.done() and (known := self._still_good()) is not None:
            return known
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                # Shielded: other conversations share this lookup, so one that is cancelled must not end it.
                return await asyncio.shield(self._look())
        except TimeoutError:
            if (known := self._still_good()) is not None:
                return known
            raise ModelUnavailable("CredentialsTimeout", "the credential endpoint did not answer") from None
        except _CHAIN_ERRORS as error:
            raise ModelUnavailable("CredentialsError", type(error).__name__) from error

    def _look(self) -> asyncio.Future[ReadOnlyCredentials]:
        if self._looking is None or self._looking.done():
            # The chain reads files and calls endpoints, so it runs off the event loop.
            self._looking = asyncio.wrap_future(self._aside.submit(self._find))
            self._looking.add_done_callback(_retrieve)
        return self._looking

    def _find(self) -> ReadOnlyCredentials:
        if self._credentials is None:
            self._credentials = Session().get_credentials()
        if self._credentials is None:
            raise ModelRejected("NoCredentials", "no AWS credentials found; give the task a role, or set AWS_PROFILE")
        self._known = self._credentials.get_frozen_credentials()
        return self._known

    def _still_good(self) -> ReadOnlyCredentials | None:
        """Return the cached keys unless they are about to expire; makes no request."""
        keys = self._credentials
        if isinstance(keys, RefreshableCredentials) and keys.refresh_needed(refresh_in=_STILL_GOOD_SECONDS):
            return None
        return self._known


def _retrieve(done: asyncio.Future[Any]) -> None:
    """Retrieve a result that is not needed, so that asyncio does not log it."""
    if not done.cancelled():
        done.exception()
