"""vLLM on this machine: its CPU engine for tests, and what is measured on a GPU."""
