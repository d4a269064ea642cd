"""Who may ask a server and how much: callers by keys, tokens and certificates, each with its own budgets."""
