"""Versions on their way: published, promoted, held, rejected and gone back from."""
