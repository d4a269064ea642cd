"""Every code, shown by examples that run."""
