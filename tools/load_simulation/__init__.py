"""Simulate how the number of tasks follows the callers, to choose the policies of scaling.yaml."""
