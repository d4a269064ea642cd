"""The kinds of cleaning step, one file each."""
