"""Specs that nobody would write, and what looks for more of them (`make fuzz`)."""
