"""Visitors whose sound travels through Daily: a private room for each, and the agent's side of it."""

import httpx

from webrtc_agent.daily.api import DailyApi
from webrtc_agent.daily.rooms import Rooms
from webrtc_agent.settings import WebSettings


def make_rooms(settings: WebSettings) -> Rooms:
    """Make what opens rooms.

    Raises:
        ValueError: there is no key.
    """
    if settings.daily_api_key is None:
        raise ValueError("DAILY_API_KEY is not set")
    headers = {"Authorization": f"Bearer {settings.daily_api_key.get_secret_value()}"}
    # Redirects are not followed: the key must not reach another host.
    http = httpx.AsyncClient(base_url=str(settings.daily_api_url), headers=headers, follow_redirects=False)
    return Rooms(DailyApi(http), longest_seconds=settings.max_call_seconds)
