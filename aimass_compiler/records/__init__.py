"""Prediction records at rest: what collectors bring becomes a Delta table of each model, which is read and
erased."""
