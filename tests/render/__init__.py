"""What the render targets write for a model made by hand."""
