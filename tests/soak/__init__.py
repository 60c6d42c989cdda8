"""Run the product under load and faults for as long as you like: `make soak`."""
