"""The Kubernetes API: what a model declares in an environment is applied, awaited, compared and removed."""
