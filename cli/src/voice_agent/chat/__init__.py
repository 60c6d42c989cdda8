"""Type to an agent and read what it says."""
