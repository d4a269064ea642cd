"""The workflows are safe, and what they call exists."""
