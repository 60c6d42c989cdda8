"""`voice-agent rehearse`: speak an agent's rehearsals over the real wire, and compare the outcome."""
