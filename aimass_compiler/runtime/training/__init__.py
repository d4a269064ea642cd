"""Searching the ranges of a model and training it: what the train stage consists of."""
