"""Losses of numbers, row by row, as arithmetic that the arrays of any framework can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aimass_compiler.catalog.loss import GAMMA, PINBALL, POISSON

#: An array of a framework, with its operators.
Array = Any


def losses_of_numbers(
    loss: str, level: float, outputs: Array, truth: Array, exp: Callable[[Array], Array]
) -> Array:
    """The loss of each row, [N]; what does not depend on the outputs is left out.

    Of targets that are never below zero, the outputs are logarithms of predictions.
    """
    match loss:
        case "mean_squared_error":
            return (outputs - truth) ** 2
        case "mean_absolute_error":
            return abs(outputs - truth)
    if loss == PINBALL:
        missed = truth - outputs
        return abs(missed) / 2 + (level - 0.5) * missed
    if loss == POISSON:
        return exp(outputs) - truth * outputs
    if loss == GAMMA:
        return truth * exp(-outputs) + outputs
    raise NotImplementedError(loss)
