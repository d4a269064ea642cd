"""What the shared server is measured beside."""
