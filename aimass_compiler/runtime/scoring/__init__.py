"""Scoring a table: read in blocks, held to the contract row by row, predicted, and kept in parts."""
