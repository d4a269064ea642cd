"""What can be written, explained: keys, codes, JSON Schemas and snippets for editors."""
