"""Draws the dashboard of infra/cloudformation/observability.yaml as a picture, so that one can look at it."""
