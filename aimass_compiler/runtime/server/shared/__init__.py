"""One server of many models: each keeps its address, its limits, its metrics and its version."""
