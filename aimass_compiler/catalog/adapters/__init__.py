"""What of a language model learns, one file each."""
