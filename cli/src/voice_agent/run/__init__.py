"""`voice-agent run`: both services, and a stand-in for everything that is not there."""
