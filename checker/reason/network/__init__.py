"""What can reach what: security groups, routes, load balancers, service discovery."""
