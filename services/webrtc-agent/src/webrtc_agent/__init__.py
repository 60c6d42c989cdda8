"""Talks with visitors of a web page."""
