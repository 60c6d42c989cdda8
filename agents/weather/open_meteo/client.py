"""Get the weather of any place on Earth from Open-Meteo."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

import httpx
from cachetools import TLRUCache, TTLCache
from pydantic import SecretStr

from agent_core.errors import UpstreamError
from agent_core.token_bucket import TokenBucket

from ..weather_report import Forecast, LocationNotFound, Place, SeveralPlaces, TooManyRequests
from .fetch import SERVICE, TIMEOUT, fetch
from .namesakes import chosen
from .payloads import CURRENT, DAILY, HOURLY, read_forecast, read_places
from .payloads import GeocodingHit as Hit
from .places import Query, cleaned, folded, shorter

FORECAST_URL = "https://api.open-meteo.com/v1/forecast"
GEOCODING_URL = "https://geocoding-api.open-meteo.com/v1/search"

_FREE_HOSTS = frozenset({httpx.URL(FORECAST_URL).host, httpx.URL(GEOCODING_URL).host})
"""Customers use the same URLs with ``customer-`` before the host."""

_FORECAST_DAYS = 16
"""The most that Open-Meteo offers."""

_PLACE_SECONDS = 24 * 3600.0
_FORECAST_SECONDS = 300.0
"""Open-Meteo updates its current conditions every 15 minutes."""
_UNKNOWN_SECONDS = 600.0
"""An unknown name costs up to four requests. It may become known with Open-Meteo's next update."""
_LONGEST_PAUSE = 300.0
"""Seconds without a request to an address that takes no more; other tasks behind the same IP address share the limit,
so how long it really lasts cannot be known."""
_ADDRESSES = 2
"""That requests go to."""

REQUESTS_AT_ONCE = 60
REQUESTS_PER_MINUTE = 300
"""Most requests of this process for all conversations together: the free service accepts 600 a minute per IP address,
and tasks share one. Excess requests fail at once, without using up the others' budget.
"""


class OpenMeteo:
    """A `WeatherSource` that uses Open-Meteo: one per process, shared by all conversations.

    Args:
        forecast_url: URL of the forecast service.
        geocoding_url: URL of the geocoding service.
        api_key: A customer's API key: it is sent with each request, to the customers' hosts if the URLs are those of
            the free service.
        client: Replaces the connection pool; closed with this object in any case.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        forecast_url: str = FORECAST_URL,
        geocoding_url: str = GEOCODING_URL,
        api_key: SecretStr | None = None,
        client: httpx.AsyncClient | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._forecast_url = forecast_url if api_key is None else _for_customers(forecast_url)
        self._geocoding_url = geocoding_url if api_key is None else _for_customers(geocoding_url)
        self._api_key = api_key
        # Uncompressed and without redirects, so that the size limit of a response is exact.
        self._client = client or httpx.AsyncClient(
            follow_redirects=False,
            timeout=TIMEOUT,
            headers={"accept": "application/json", "accept-encoding": "identity"},
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=4, keepalive_expiry=60),
        )
        # Callers name what they like: each cache has a bound, and drops what was unused for longest.
        self._places: TTLCache[str, tuple[Hit, Place] | SeveralPlaces] = TTLCache(512, _PLACE_SECONDS, timer=clock)
        self._misses: TTLCache[str, bool] = TTLCache(512, _UNKNOWN_SECONDS, timer=clock)
        self._forecasts: TTLCache[tuple[float, float], Forecast] = TTLCache(64, _FORECAST_SECONDS, timer=clock)
        self._paused: TLRUCache[str, TooManyRequests] = TLRUCache(_ADDRESSES, _end_of_pause, timer=clock)
        self._credit = TokenBucket(clock, REQUESTS_AT_ONCE, REQUESTS_PER_MINUTE / 60)

    async def __aenter__(self) -> Self:
        """Use the pool in a block that closes it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the pool."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def forecast(self, location: str) -> Forecast:
        """Return the weather of a place, by the name a person used for it, for sixteen days.

        Raises:
            InvalidArguments: The location is not a place name.
            LocationNotFound: The place is unknown.
            SeveralPlaces: Several places of similar size have that name.
            TooManyRequests: The service accepts no more requests for a while.
            UpstreamError: The service could not be reached, or returned an invalid response.
        """
        hit, place = await self._place(cleaned(location))
        # Rounded to about a kilometre, so that nearby questions share a cached forecast.
        spot = (round(hit.latitude, 2), round(hit.longitude, 2))
        known = self._forecasts.get(spot)
        if known is None:
            known = await self._ask_forecast(spot)
            self._forecasts[spot] = known
        return replace(known, place=place)

    async def _place(self, query: Query) -> tuple[Hit, Place]:
        key = folded(query.text)
        # Hits and misses are both cached: callers repeat their questions.
        found = self._places.get(key)
        if found is None and key not in self._misses:
            found = await self._find(query)
            if found is None:
                self._misses[key] = True
            else:
                self._places[key] = found
        if found is None:
            reason = "no such place"
            raise LocationNotFound(reason)
        # A fresh exception each time: a cached one would collect tracebacks.
        if isinstance(found, SeveralPlaces):
            raise SeveralPlaces(found.name, found.places)
        return found

    async def _find(self, query: Query) -> tuple[Hit, Place] | SeveralPlaces | None:
        for asked, text in _questions(query):
            try:
                found = chosen(asked, await self._ask_places(text))
            except SeveralPlaces as several:
                return several
            if found is not None:
                return found
        return None

    async def _ask_places(self, name: str) -> tuple[Hit, ...]:
        query = {"name": name, "count": "10", "language": "en", "format": "json"}
        return _read(read_places, await self._fetch(self._geocoding_url, query))

    async def _ask_forecast(self, spot: tuple[float, float]) -> Forecast:
        latitude, longitude = spot
        query = {
            "latitude": str(latitude),
            "longitude": str(longitude),
            "current": ",".join(CURRENT),
            "hourly": ",".join(HOURLY),
            "daily": ",".join(DAILY),
            "timezone": "auto",
            "forecast_days": str(_FORECAST_DAYS),
        }
        return _read(read_forecast, await self._fetch(self._forecast_url, query))

    async def _fetch(self, url: str, query: Mapping[str, str]) -> bytes:
        """Ask an address, unless it said a moment ago that it takes no more."""
        refusal = self._paused.get(url)
        if refusal is not None:
            raise refusal.again()
        # Spent after the pause check, so that a pause costs nothing.
        if not self._credit.spend():
            raise UpstreamError(SERVICE, "our_own_limit")
        key = {} if self._api_key is None else {"apikey": self._api_key.get_secret_value()}
        try:
            return await fetch(self._client, url, {**query, **key})
        except TooManyRequests as error:
            self._paused[url] = error
            raise


def _end_of_pause(_url: str, refusal: TooManyRequests, now: float) -> float:
    return now + min(refusal.retry_after, _LONGEST_PAUSE)


def _for_customers(url: str) -> str:
    parsed = httpx.URL(url)
    return str(parsed.copy_with(host=f"customer-{parsed.host}")) if parsed.host in _FREE_HOSTS else url


def _questions(query: Query) -> Iterable[tuple[Query, str]]:
    """Yield the queries for the geocoder until one fits, the most likely first.

    A plain name finds places everywhere, but only the ten largest. With the region after a comma the service narrows
    the search itself, if it knows the region by that word; without commas, the last words may be the region.
    """
    yield query, query.name
    if query.within:
        yield query, f"{query.name}, {query.within[0]}"
    for other in shorter(query):
        yield other, other.name


def _read[Answer](read: Callable[[bytes], Answer], body: bytes) -> Answer:
    try:
        return read(body)
    except ValueError as error:
        reason = "unexpected_answer"
        raise UpstreamError(SERVICE, reason) from error
