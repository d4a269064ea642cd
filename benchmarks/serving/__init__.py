"""How fast one row is answered: this server, a bare one, and others people use."""
