"""What stands in for the outside world in tests: API servers, GitHub, Prometheus, registries."""
