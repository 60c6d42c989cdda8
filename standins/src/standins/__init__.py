"""Pretend clouds: they speak the real wire, say what they are, and share no code with what they test."""
