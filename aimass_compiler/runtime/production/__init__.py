"""How good a model is in production: by the truth as it arrives, and until then by its probabilities."""
