"""The commands as people and scripts call them, without running any model."""
