"""Serve visitors whose audio travels through Daily: a private room for each, and the agent's side of it."""

from functools import partial

import httpx
from pydantic import SecretStr

from webrtc_agent.call_back import contacts
from webrtc_agent.daily.api import DailyApi
from webrtc_agent.daily.room_factory import Rooms
from webrtc_agent.settings import WebSettings


def make_rooms(settings: WebSettings) -> Rooms:
    """Return the object that opens rooms.

    Raises:
        ValueError: there is no API key.
    """
    if settings.daily_api_key is None:
        raise ValueError("DAILY_API_KEY is not set")
    api = DailyApi(_client(settings.daily_api_key, str(settings.daily_api_url)))
    people_of = partial(contacts, settings)
    return Rooms(api, longest_seconds=settings.max_call_seconds, people_of=people_of)


def _client(key: SecretStr, url: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"}
    # Redirects are not followed: the API key must not reach another host.
    return httpx.AsyncClient(base_url=url, headers=headers, follow_redirects=False)
