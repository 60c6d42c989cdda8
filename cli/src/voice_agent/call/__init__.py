"""`voice-agent call`: one caller or many, and a report of what they heard."""
