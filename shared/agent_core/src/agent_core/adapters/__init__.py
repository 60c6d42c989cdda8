"""Connect to outside systems, one module each; the rest of the product does not know how they are reached."""
