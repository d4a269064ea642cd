"""The workflows that are compiled from aimass.yaml: what they say, and when they are written."""
