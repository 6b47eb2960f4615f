"""Whether what ECS and a load balancer are told to start can start at all."""
