"""At which rates a visitor's sound travels: the best that Nova Sonic takes and gives. Opus knows both."""

INPUT_RATE = 16_000
"""Hz, from the visitor to the model."""
OUTPUT_RATE = 24_000
"""Hz, from the model to the visitor."""
