"""Planning and writing, whatever is in the way and whenever it is killed."""
