"""The metrics, one file each, by their names in scikit-learn."""
