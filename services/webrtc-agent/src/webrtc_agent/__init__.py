"""Talk with visitors of a web page."""
