"""Get weather forecasts and places from Open-Meteo.

Sources: https://open-meteo.com/en/docs and https://open-meteo.com/en/docs/geocoding-api. The free service is for
non-commercial use, accepts 600 requests a minute, 5 000 an hour and 10 000 a day per IP address, and requires
attribution; one of our forecasts counts as two. Customers send an API key to separate hosts.
"""

from agent_core import causes

from .client import FORECAST_URL, GEOCODING_URL, OpenMeteo

# So that an error of this service names the settings to check.
causes.add_service(
    "open_meteo",
    "Open-Meteo",
    address="OPEN_METEO_FORECAST_URL",
    keys="OPEN_METEO_API_KEY",
    special={400: "wrong_credentials", 401: "wrong_credentials", 429: "free_limit"},
)

__all__ = ["FORECAST_URL", "GEOCODING_URL", "OpenMeteo"]
