"""HTML pages that need nothing else: what a model reached, and the catalogue of all models."""
