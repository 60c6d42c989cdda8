"""Provide what an operator sees: logs, metrics, traces."""
