"""The conversation that both voice agents share."""
