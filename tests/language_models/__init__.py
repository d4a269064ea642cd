"""Language models: what is measured of them, and that all their forms answer the same."""
