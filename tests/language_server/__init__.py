"""The server of language models, asked as its callers ask."""
