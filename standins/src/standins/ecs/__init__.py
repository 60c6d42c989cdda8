"""ECS's agent as tasks see it: scale-in protection, which the services of this product do not ask for."""
