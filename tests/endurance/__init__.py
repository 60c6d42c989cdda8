"""Run visitors next to an abusive visitor, for as long as you like: `make endurance`."""
