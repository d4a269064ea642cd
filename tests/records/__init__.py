"""Records of predictions at rest."""
