"""Findings as people, programs and GitHub want to see them; pure functions to text."""
