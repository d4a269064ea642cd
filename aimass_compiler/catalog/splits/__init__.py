"""The kinds of split, one file each."""
