"""Search a knowledge base of Amazon Bedrock: ``Retrieve`` of its agent runtime.

Import this module only where a knowledge base is used: boto3 takes 0.15 s and 3 MB. A task's role needs
``bedrock:Retrieve`` on the knowledge base and nothing else.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from boto3.exceptions import Boto3Error
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from agent_core.aside import Aside
from agent_core.errors import UpstreamError
from agent_core.tools.knowledge import SERVICE, Passage

_THREADS: Final = 4
_READ_SECONDS: Final = 10
"""Longest wait of a thread for an answer; a use has a shorter deadline of its own."""


class BedrockDocuments:
    """A knowledge base.

    Args:
        knowledge_base: Its id.
        region: AWS region.
        client: Makes the client; boto3's by default.
    """

    def __init__(self, knowledge_base: str, region: str, client: Callable[[], Any] | None = None) -> None:
        self._id = knowledge_base
        self._region = region
        self._make = client or self._boto3
        self._client: Any = None
        self._lock = threading.Lock()
        self._aside = Aside("knowledge-base", _THREADS)

    async def search(self, question: str, most: int) -> Sequence[Passage]:
        """Return the best passages.

        Raises:
            UpstreamError: the request failed; the reason is AWS's code or the name of an exception.
        """
        try:
            return await self._aside.run(lambda: self._retrieve(question, most))
        except ClientError as error:
            raise UpstreamError(SERVICE, str(error.response.get("Error", {}).get("Code", "ClientError"))) from None
        # The last: all threads hang.
        except (BotoCoreError, Boto3Error, OSError, RuntimeError) as error:
            raise UpstreamError(SERVICE, type(error).__name__) from None

    def _retrieve(self, question: str, most: int) -> list[Passage]:
        with self._lock:
            self._client = self._client or self._make()
        answer = self._client.retrieve(
            knowledgeBaseId=self._id,
            retrievalQuery={"text": question or "?"},
            retrievalConfiguration={"vectorSearchConfiguration": {"numberOfResults": most}},
        )
        found = answer.get("retrievalResults", [])[:most]
        return [Passage(_source(one), str(one.get("content", {}).get("text", ""))) for one in found]

    def _boto3(self) -> Any:  # noqa: ANN401 - boto3 makes its class at run time
        config = Config(
            connect_timeout=2,
            read_timeout=_READ_SECONDS,
            max_pool_connections=_THREADS,
            retries={"total_max_attempts": 2, "mode": "standard"},
        )
        return Session().client("bedrock-agent-runtime", region_name=self._region, config=config)


def _source(found: Mapping[str, Any]) -> str:
    """Return the last part of a passage's location: a bucket's name and a host are nothing for a caller."""
    location = found.get("location", {})
    values = (each for each in location.values() if isinstance(each, Mapping))
    address = next((str(text) for each in values for text in each.values() if text), "")
    path = urlsplit(address).path or address
    return unquote(path.rstrip("/").rpartition("/")[2]) or "document"
