"""`voice-agent doctor`: finds out why the agent does not answer, before the first call or later."""
