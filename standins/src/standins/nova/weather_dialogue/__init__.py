"""The dialogue about the weather, used if the prompt declares the weather's tools."""

TOOLS = frozenset({"get_current_weather", "get_weather_forecast"})
"""A prompt that declares one of these is the weather's."""
