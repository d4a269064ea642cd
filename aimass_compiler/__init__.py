"""Compile one declarative model spec into DVC stages, Ray Tune jobs and Kustomize manifests."""

__version__ = "0.1.0"
