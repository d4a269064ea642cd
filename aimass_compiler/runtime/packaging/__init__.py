"""How a package comes about: one graph, its contract, its reference, its card and the image's context."""
