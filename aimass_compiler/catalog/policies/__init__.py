"""The kinds of rule that a policy may have, one file each."""
