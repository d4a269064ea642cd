"""Tests of the algebra: both lowerings, what is learnt, and formulas."""
