"""How a trained model is judged: predictions, metrics and slices, fit, gates and plots."""
