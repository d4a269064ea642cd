"""What reaches out to other programs: DVC, Kustomize, git, the model server."""
