"""ECS's agent as tasks see it: scale-in protection."""
