"""Edits of a spec's text: fixes, and its canonical form."""
