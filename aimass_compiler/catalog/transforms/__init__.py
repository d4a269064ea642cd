"""The kinds of transform, one file each."""
