"""What reaches out to tools and clusters: kustomize and kubectl by subprocess."""
