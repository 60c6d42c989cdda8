"""Simulates how the number of tasks follows the load, to choose the policies of scaling.yaml."""
