"""Checks that run before anything is changed, one subject per file."""
