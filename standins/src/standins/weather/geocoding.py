"""Open-Meteo's ``/v1/search``: maps a request's query to the response object. No I/O.

Source: https://open-meteo.com/en/docs/geocoding-api. Names are in English only, whatever ``language`` is.
"""

from collections.abc import Mapping

from standins.weather.cities import Cities, GeoNamesCity, folded
from standins.weather.forecast import Answer, BadQuery

_MAX_COUNT = 100


def search(query: Mapping[str, str], cities: Cities) -> Answer:
    """Return matching places; without a match, ``results`` is missing, as in the original.

    Raises:
        BadQuery: The name is missing, or the count out of range.
    """
    if "name" not in query:
        message = "Value required for key 'name'."
        raise BadQuery(message)
    name, _, region = (part.strip() for part in query["name"].partition(","))
    found = [city for city in cities.search(name) if _fits(city, region.split(",")[0].strip(), query)]
    hits = [_hit(city) for city in found[: _count(query)]]
    return ({"results": hits} if hits else {}) | {"generationtime_ms": 0.5}


def _count(query: Mapping[str, str]) -> int:
    text = query.get("count", "10")
    count = int(text) if text.isdecimal() else 0
    if not 1 <= count <= _MAX_COUNT:
        message = f"Parameter count must be between 1 and {_MAX_COUNT}."
        raise BadQuery(message)
    return count


def _fits(city: GeoNamesCity, region: str, query: Mapping[str, str]) -> bool:
    regions = {folded(name) for name in (city.country, city.country_code, city.region)}
    return (not region or folded(region) in regions) and query.get(
        "countryCode", city.country_code
    ) == city.country_code


def _hit(city: GeoNamesCity) -> Answer:
    """Return a place as the original does, without unknown fields (here also postcodes and smaller regions)."""
    hit: Answer = {
        "id": city.id,
        "name": city.name,
        "latitude": city.latitude,
        "longitude": city.longitude,
        "elevation": 38.0,
        "feature_code": "PPLC" if city.is_capital else "PPLA" if city.is_seat else "PPL",
        "country_code": city.country_code,
        "admin1_id": city.region_id,
        "timezone": city.timezone,
        "population": city.population,
        "country_id": city.country_id,
        "country": city.country,
        "admin1": city.region,
    }
    return {name: value for name, value in hit.items() if value not in (None, "")}
