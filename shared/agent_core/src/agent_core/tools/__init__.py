"""What the model may do besides talking: one typed function a tool."""
