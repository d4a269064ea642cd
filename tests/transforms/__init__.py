"""Tests of every kind of transform, found by discovery."""
