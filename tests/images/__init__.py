"""Images are built and pushed by what is there, and are the same each time."""
