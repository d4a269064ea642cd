"""Decoding and lowering: data into records, findings and pipelines."""
