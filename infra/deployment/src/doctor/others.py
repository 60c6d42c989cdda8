"""Checks Daily and the weather service."""

import asyncio
from pathlib import Path

import httpx
from pydantic import SecretStr

from agent_core.agents import agent_code
from agent_core.agents.folder import digest
from agent_core.causes import classify
from agent_core.errors import UpstreamError
from deployment.checks.finding import Finding, bad, care, good, unset
from doctor.surroundings import MachineState

_SECONDS = 6.0
_DAILY = "https://api.daily.co/v1"


def daily(surroundings: MachineState) -> list[Finding]:
    """List one of Daily's rooms, which creates none."""
    # No key is a supported configuration, not an error.
    key = surroundings.get("DAILY_API_KEY")
    if not key:
        return [unset("daily", "no API key is set: browsers connect to this machine peer to peer")]
    url = httpx.URL(surroundings.get("DAILY_API_URL", _DAILY).rstrip("/"))
    try:
        with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=_SECONDS) as client:
            answer = client.get(f"{url}/rooms", params={"limit": "1"})
        if answer.is_error:
            raise UpstreamError("daily", f"status_{answer.status_code}")  # noqa: TRY301 - one handler for all failures
    except (httpx.HTTPError, UpstreamError) as error:
        cause = classify(error, "daily", host=url.host)
        return [bad("daily", cause.why, cause.remedy)]
    return [good("daily", f"{url.host} accepts the key")]


def weather(surroundings: MachineState) -> list[Finding]:
    """Fetch the weather of a city, as the tool does."""
    if surroundings.get("WEATHER") == "standin":
        return [unset("weather", "WEATHER=standin: the real service is not used")]
    key = surroundings.get("OPEN_METEO_API_KEY")
    try:
        # The adapter of the service, so that its parsing is tested too.
        asyncio.run(_forecast(surroundings, key))
    except UpstreamError as error:
        cause = classify(error)
        return [bad("weather", cause.why, cause.remedy)]
    if key:
        return [good("weather", "Open-Meteo answers and accepts the key")]
    licence = "for commercial use, subscribe at open-meteo.com and set OPEN_METEO_API_KEY"
    return [care("weather", "Open-Meteo's free plan answers; it is for non-commercial use only", licence)]


async def _forecast(surroundings: MachineState, key: str) -> None:
    folder = Path(surroundings.get("AGENTS_DIR", "agents")) / "weather"
    open_meteo = agent_code.load(folder.resolve(), digest(folder), "open_meteo")
    source = open_meteo.OpenMeteo(
        forecast_url=surroundings.get("OPEN_METEO_FORECAST_URL", open_meteo.FORECAST_URL),
        geocoding_url=surroundings.get("OPEN_METEO_GEOCODING_URL", open_meteo.GEOCODING_URL),
        api_key=SecretStr(key) if key else None,
        # Like the tool, which has its own time limit for both requests.
    )
    async with source, asyncio.timeout(_SECONDS):
        await source.forecast("Stockholm")
