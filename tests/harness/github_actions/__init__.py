"""The shipped workflows, run here as GitHub runs them, from a pull request on."""
