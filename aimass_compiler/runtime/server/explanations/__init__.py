"""Explanations of single answers: Shapley values of the columns, exact where the graph lets them be."""
