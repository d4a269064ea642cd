"""Plain data into a typed spec, and a typed spec into a pipeline."""
