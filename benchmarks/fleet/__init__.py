"""A company of a thousand models: what is generated, watched and compiled."""
