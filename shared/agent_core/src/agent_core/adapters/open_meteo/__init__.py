"""Open-Meteo: weather forecasts and geocoding.

Sources: https://open-meteo.com/en/docs and https://open-meteo.com/en/docs/geocoding-api. The free service is for
non-commercial use, takes 600 requests a minute, 5 000 an hour and 10 000 a day from one IP address, and asks for
attribution; a forecast of ours counts as two. Customers send a key to hosts of their own.
"""

from agent_core.adapters.open_meteo.client import FORECAST_URL, GEOCODING_URL, OpenMeteo

__all__ = ["FORECAST_URL", "GEOCODING_URL", "OpenMeteo"]
