"""A candidate on real requests: recorded ones, and those that a gateway mirrored to it."""
