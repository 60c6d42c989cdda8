"""Get weather forecasts and places from Open-Meteo.

Sources: https://open-meteo.com/en/docs and https://open-meteo.com/en/docs/geocoding-api. The free service is for
non-commercial use, accepts 600 requests a minute, 5 000 an hour and 10 000 a day per IP address, and requires
attribution; one of our forecasts counts as two. Customers send an API key to separate hosts.
"""

from agent_core.adapters.open_meteo.client import FORECAST_URL, GEOCODING_URL, OpenMeteo

__all__ = ["FORECAST_URL", "GEOCODING_URL", "OpenMeteo"]
