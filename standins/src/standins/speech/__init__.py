"""Ears and a voice that need nothing but Python packages: what the pretend model and the pretend caller share."""
