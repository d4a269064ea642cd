"""The stages of a model's pipeline, each run by DVC as `aimass-runtime STAGE MODEL`."""
