"""Make the README's pictures from a real run: the page in Chromium, and a measured call as an SVG."""
