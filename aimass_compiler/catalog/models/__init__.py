"""The kinds of model, one file or folder each."""
