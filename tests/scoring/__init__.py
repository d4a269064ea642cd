"""Tables that are scored as a whole."""
