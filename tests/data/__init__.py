"""Tests of the data stage: sources, joins, the contract, cleaning and splits."""
