"""Define the sample rates of a visitor's audio: the best that Nova Sonic supports. Opus supports both."""

INPUT_RATE = 16_000
"""Hz, from the visitor to the model."""
OUTPUT_RATE = 24_000
"""Hz, from the model to the visitor."""
