"""A compile that is killed, or refused by the system, at each of its steps on the disk."""
