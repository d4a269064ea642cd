"""The serving images of the shipped specs, built as users build them and run as their pods would be."""
