"""`voice-agent doctor`: finds out why the agent does not answer, before somebody calls and after."""
