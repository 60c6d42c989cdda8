"""Define what the model may do besides talking: one typed function per tool."""
