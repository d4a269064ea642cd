"""How much memory, disk and time it takes to learn from a wide cross of categories."""
