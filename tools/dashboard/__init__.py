"""Draws the dashboard of infra/cloudformation/observability.yaml as an image, for a review without AWS."""
