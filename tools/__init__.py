"""What makes the environment and the locks. Runs before anything is installed: standard library only, Python 3.9."""
