"""AWS credentials from the default chain, never older than they may be.

Environment, shared files, SSO, container endpoint, instance metadata: botocore knows them all and refreshes those
that expire 10 to 15 minutes ahead. A static key pair is never required. The keys are frozen for each stream,
because every event of a stream is signed with the key that signed its request.
"""

import asyncio
from datetime import timedelta

from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from agent_core.errors import ModelRejected, ModelUnavailable

_CHAIN_ERRORS = (BotoCoreError, ClientError, RuntimeError, ValueError, KeyError, OSError)
"""botocore has no base for what its chain raises: STS refuses, refreshed keys are too old, a program is not there."""


class CredentialSource:
    """The process's one view of the AWS credential chain.

    Args:
        deadline: How long one look may take; the chain may ask an endpoint.
    """

    def __init__(self, deadline: timedelta = timedelta(seconds=5)) -> None:
        self._deadline = deadline
        self._credentials: Credentials | None = None
        self._lock = asyncio.Lock()

    async def frozen(self) -> ReadOnlyCredentials:
        """Give a key pair that is valid now.

        Raises:
            ModelRejected: there are no credentials to be found.
            ModelUnavailable: whoever hands them out did not answer, refused, or gave none that can be used.
        """
        try:
            async with asyncio.timeout(self._deadline.total_seconds()), self._lock:
                # The chain reads files and asks endpoints, so it stays off the event loop.
                return await asyncio.to_thread(self._look)
        except TimeoutError:
            raise ModelUnavailable("CredentialsTimeout", "the credential endpoint did not answer") from None
        except _CHAIN_ERRORS as error:
            raise ModelUnavailable("CredentialsError", type(error).__name__) from error

    def _look(self) -> ReadOnlyCredentials:
        if self._credentials is None:
            self._credentials = Session().get_credentials()
        if self._credentials is None:
            raise ModelRejected("NoCredentials", "no AWS credentials found; give the task a role, or set AWS_PROFILE")
        return self._credentials.get_frozen_credentials()
