"""The rules that the design rests on, held by tests."""
