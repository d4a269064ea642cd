"""Many models in one server, beside one server for each."""
