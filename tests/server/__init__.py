"""The model server: what it accepts, refuses, counts, and how its process lives and ends."""
