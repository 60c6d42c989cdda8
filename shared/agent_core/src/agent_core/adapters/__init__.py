"""One module for each outside system; the rest of the product does not know how they are reached."""
