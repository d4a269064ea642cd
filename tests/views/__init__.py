"""Drawing findings for people, programs and GitHub."""
