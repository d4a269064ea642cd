"""What takes minutes: shipped workflows, faults of the disk, other clients, Prometheus under load."""
