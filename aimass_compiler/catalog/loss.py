"""The losses of numbers that more than one place must know: of quantiles, and of what is never below zero."""

from __future__ import annotations

#: What a quantile is learned by (Koenker and Bassett 1978); the median without one.
PINBALL = "mean_pinball_loss"
POISSON = "mean_poisson_deviance"
GAMMA = "mean_gamma_deviance"
TWEEDIE = "mean_tweedie_deviance"
#: Of targets that are never below zero: a model learns the logarithm of its prediction, which is above zero.
LOG_LINK = frozenset({POISSON, GAMMA, TWEEDIE})
#: Of those, the ones that not even a zero is possible for.
ABOVE_ZERO = frozenset({GAMMA})
#: By which power of its mean the variance of a count, and that of an amount above zero, grows.
POISSON_POWER, GAMMA_POWER = 1.0, 2.0
