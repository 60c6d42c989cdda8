"""The dialogue about the weather, used if the prompt declares the weather's tools."""
