"""A candidate on requests that were really asked: recorded ones, and those that a gateway mirrored to it."""
