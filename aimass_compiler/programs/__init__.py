"""Other programs, by subprocess: DVC, git, Kustomize, promtool, image builders, the model server."""
