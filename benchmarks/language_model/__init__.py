"""How much fine-tuning a language model costs beside bare trl, of the same data, adapter and steps."""
