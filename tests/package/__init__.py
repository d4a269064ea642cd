"""How packages come about, and how the served package is tested."""
