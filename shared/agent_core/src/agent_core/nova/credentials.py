"""AWS credentials from the default chain, never older than they may be.

Environment, shared files, SSO, container endpoint, instance metadata: botocore knows them all and refreshes those
that expire 10 to 15 minutes ahead. A static key pair is never required. The keys are frozen for each stream,
because every event of a stream is signed with the key that signed its request.
"""

import asyncio
from datetime import timedelta
from typing import Final

from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from agent_core.aside import Aside
from agent_core.errors import ModelRejected, ModelUnavailable

_CHAIN_ERRORS = (BotoCoreError, ClientError, RuntimeError, ValueError, KeyError, OSError)
"""botocore has no base for what its chain raises: STS refuses, refreshed keys are too old, a program is not there."""
_STILL_GOOD_SECONDS: Final = 60
"""Known keys that live this long are used while their source does not answer."""


class CredentialSource:
    """The process's one view of the AWS credential chain.

    There is one look at a time, in a thread of its own. A later request waits for the same look, also if
    nobody waits for it any more: an endpoint that hangs is asked once, and keeps one thread.

    Args:
        deadline: How long one look may take; the chain may ask an endpoint.
    """

    def __init__(self, deadline: timedelta = timedelta(seconds=5)) -> None:
        self._deadline = deadline
        self._aside = Aside("credentials")
        self._credentials: Credentials | None = None
        self._known: ReadOnlyCredentials | None = None
        self._looking: asyncio.Future[ReadOnlyCredentials] | None = None

    async def frozen(self) -> ReadOnlyCredentials:
        """Give a key pair that is valid now.

        Raises:
            ModelRejected: there are no credentials to be found.
            ModelUnavailable: whoever hands them out did not answer, refused, or gave none that can be used.
        """
        if self._looking is not None and not self._looking.done() and (known := self._still_good()) is not None:
            return known
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                return await asyncio.shield(self._look())
        except TimeoutError:
            if (known := self._still_good()) is not None:
                return known
            raise ModelUnavailable("CredentialsTimeout", "the credential endpoint did not answer") from None
        except _CHAIN_ERRORS as error:
            raise ModelUnavailable("CredentialsError", type(error).__name__) from error

    def _look(self) -> asyncio.Future[ReadOnlyCredentials]:
        if self._looking is None or self._looking.done():
            # The chain reads files and asks endpoints, so it stays off the event loop.
            self._looking = asyncio.wrap_future(self._aside.submit(self._find))
            self._looking.add_done_callback(_heed)
        return self._looking

    def _find(self) -> ReadOnlyCredentials:
        if self._credentials is None:
            self._credentials = Session().get_credentials()
        if self._credentials is None:
            raise ModelRejected("NoCredentials", "no AWS credentials found; give the task a role, or set AWS_PROFILE")
        self._known = self._credentials.get_frozen_credentials()
        return self._known

    def _still_good(self) -> ReadOnlyCredentials | None:
        """Return the keys that were found last, unless they are about to expire; asks nobody."""
        keys = self._credentials
        if isinstance(keys, RefreshableCredentials) and keys.refresh_needed(refresh_in=_STILL_GOOD_SECONDS):
            return None
        return self._known


def _heed(look: asyncio.Future[ReadOnlyCredentials]) -> None:
    """Read the outcome of a look that nobody waits for any more, or asyncio would report that nobody did."""
    if not look.cancelled():
        look.exception()
