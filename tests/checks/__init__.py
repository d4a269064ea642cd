"""The checks, each held to its own examples."""
