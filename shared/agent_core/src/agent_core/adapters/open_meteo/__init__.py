"""Open-Meteo: free weather forecasts and geocoding, no key.

Sources: https://open-meteo.com/en/docs and https://open-meteo.com/en/docs/geocoding-api. The free service is for
non-commercial use and asks for attribution; a paid one answers under another URL, which is why URLs are arguments.
"""

from agent_core.adapters.open_meteo.client import FORECAST_URL, GEOCODING_URL, OpenMeteo

__all__ = ["FORECAST_URL", "GEOCODING_URL", "OpenMeteo"]
