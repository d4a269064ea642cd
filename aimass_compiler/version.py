"""The version of the compiler, which stands in all that it generates, builds and records."""

__version__ = "0.1.0"
