"""Specs that are meant to harm: bounded time and memory, and no string becomes more than text."""
