"""What reaches out to other programs: DVC, Kustomize, the model server."""
