"""A real Prometheus on what is generated, with a faster clock, callers, and what Grafana would ask."""
