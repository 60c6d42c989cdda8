"""Run the conversation that both voice agents share."""
