"""Call Daily's REST API for rooms and tokens. One request at a time, each with a deadline, without retries.

Source: https://docs.daily.co/reference/rest-api.
"""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, Field, HttpUrl, ValidationError

from webrtc_agent.daily.daily_errors import DailyFailed

REQUEST_SECONDS = 3.0
"""Two attempts must fit into the eight seconds that a visitor waits."""
MAX_PARTICIPANTS = 2
"""The visitor and the agent."""
_LONGEST_WAIT = 3600.0


class _RoomAnswer(BaseModel):
    name: str
    url: HttpUrl


class _TokenAnswer(BaseModel):
    token: Annotated[str, Field(min_length=1, max_length=8192)]


class DailyApi:
    """Sends requests to Daily.

    Args:
        http: Has the base URL and the API key.
        request_seconds: Longest wait for one response.
    """

    def __init__(self, http: httpx.AsyncClient, *, request_seconds: float = REQUEST_SECONDS) -> None:
        self._http = http
        self._request_seconds = request_seconds

    async def create_room(self, name: str, expires: int) -> str:
        """Create a private room that closes automatically; return its URL.

        Args:
            name: Letters, digits, ``-`` and ``_``.
            expires: Unix seconds; participants are then ejected.

        Raises:
            DailyFailed: The room may or may not exist.
        """
        properties = {
            "exp": expires,
            "eject_at_room_exp": True,
            # A leaked room URL must not let a third participant in.
            "max_participants": MAX_PARTICIPANTS,
            "enable_chat": False,
            "enable_screenshare": False,
            "start_video_off": True,
        }
        body = {"name": name, "privacy": "private", "properties": properties}
        answer = await self._ask("POST", "rooms", body)
        room = _parse(_RoomAnswer, answer)
        # Any other room would be someone else's.
        if room.name != name:
            raise DailyFailed("malformed_answer", again=True, in_doubt=True)
        return str(room.url)

    async def make_token(self, room: str, expires: int, *, user_name: str, is_owner: bool) -> str:
        """Create a token for one room. Without a room's name it would open every room of the account.

        Raises:
            DailyFailed: There is no token.
        """
        properties = {
            "room_name": room,
            "exp": expires,
            "eject_at_token_exp": True,
            "is_owner": is_owner,
            "user_name": user_name,
            "start_video_off": True,
        }
        answer = await self._ask("POST", "meeting-tokens", {"properties": properties})
        return _parse(_TokenAnswer, answer).token

    async def delete_room(self, name: str) -> None:
        """Delete a room; a missing one is not an error.

        Raises:
            DailyFailed: It may still exist.
        """
        await self._ask("DELETE", f"rooms/{name}", None, missing_is_fine=True)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _ask(
        self, method: str, path: str, body: dict[str, Any] | None, *, missing_is_fine: bool = False
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(self._request_seconds):
                # One deadline for the whole request: httpx's own timeouts restart with every byte.
                answer = await self._http.request(method, path, json=body, timeout=None)
        except TimeoutError:
            raise DailyFailed("timeout", again=True, in_doubt=True) from None
        except httpx.HTTPError as error:
            # A connection that was never made has certainly not created anything.
            unsent = isinstance(error, httpx.ConnectError)
            failed = DailyFailed(type(error).__name__, again=True, in_doubt=not unsent)
            failed.host = self._http.base_url.host
            raise failed from error
        if answer.is_success or (missing_is_fine and answer.status_code == HTTPStatus.NOT_FOUND):
            return answer
        broken = answer.is_server_error
        again = broken or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        reason = f"status_{answer.status_code}"
        raise DailyFailed(reason, again=again, in_doubt=broken, retry_after=_retry_after(answer))


def _parse[A: BaseModel](kind: type[A], answer: httpx.Response) -> A:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:
        raise DailyFailed("malformed_answer", again=True, in_doubt=True) from None


def _retry_after(answer: httpx.Response) -> float | None:
    """Return the seconds of Retry-After; Daily does not use the other form, a date."""
    text = answer.headers.get("retry-after", "")
    return min(float(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else None
