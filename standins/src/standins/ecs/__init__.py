"""A stand-in for the ECS agent's task scale-in protection, which this product's services do not use."""
