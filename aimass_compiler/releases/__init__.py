"""What git holds of a model beside its recipe: the versions that were made, and which of them runs where."""
