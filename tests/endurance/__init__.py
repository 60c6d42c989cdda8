"""Visitors next to an abusive one, for as long as one likes: `make endurance`."""
