"""Create and check the folders of agents."""
