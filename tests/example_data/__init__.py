"""The example data sets are what their descriptions say, on every run."""
