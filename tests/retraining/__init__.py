"""Candidates: the reasons for them, what holds them back, and what becomes of them."""
