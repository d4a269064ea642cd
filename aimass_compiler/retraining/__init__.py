"""Models trained again: whether one is due, what is known of its candidate, and what was tried before."""
