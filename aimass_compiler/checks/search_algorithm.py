"""The algorithm of a search suits what is searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.model_choice import ModelChoice
from aimass_compiler.catalog.quantities import Choice
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Assign, Explanation, Finding, Fix, Severity
from aimass_compiler.pipeline import search_space

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("model", "search", "training")
IS_OF_ALL_MODELS = True
EXPLANATIONS = (
    Explanation(
        "AM373",
        "CMA-ES has no numbers to search",
        "CMA-ES moves a normal distribution over at least two numbers, which `uniform` and `loguniform` "
        "give. It knows neither lists nor a choice of models: those would be drawn by chance. `tpe` searches "
        "all of them.",
    ),
)
_TWO = "model: {xgboost: {gamma: {uniform: [0, 1]}, learning_rate: {loguniform: [0.01, 0.3]}}}\n"
EXAMPLES = (
    Example(
        "AM373",
        fails="model: {xgboost: {max_depth: {choice: [3, 4, 6]}}}\nsearch: {algorithm: cma_es, trials: 3}",
        passes=f"{_TWO}features: [one_hot: plan]\nsearch: {{algorithm: cma_es, trials: 20}}",
    ),
    Example(
        "AM373",
        fails="model: {one_of: [logistic_regression, naive_bayes]}\nsearch: {algorithm: cma_es, trials: 2}",
        passes="model: {one_of: [logistic_regression, naive_bayes]}\nsearch: {algorithm: tpe, trials: 2}",
    ),
)
_FEWEST = 2


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """CMA-ES of what is no number, or of fewer than two."""
    if pipeline.search.algorithm != "cma_es":
        return
    ranges = search_space.ranges(pipeline.model, pipeline.training)
    numbers = [path for path, found in ranges.items() if not isinstance(found, Choice)]
    where = ("search", "algorithm")
    fix = Fix("write `algorithm: tpe`", (Assign(where, "tpe"),))
    if isinstance(pipeline.model, ModelChoice):
        message = "`cma_es` searches the numbers of one model and cannot choose among several"
        yield Finding("AM373", where, message, help=fix.message, fix=fix)
    elif ranges and len(numbers) < _FEWEST:
        have = "none" if not numbers else "one"
        message = f"`cma_es` needs two `uniform` or `loguniform` ranges, and there is {have}"
        yield Finding("AM373", where, message, help=fix.message, fix=fix)
    elif len(numbers) < len(ranges):
        lists = [path for path in ranges if path not in numbers]
        message = f"`cma_es` draws `{lists[0][-1]}` by chance: it is a list"
        hint = "give it a value, or write `algorithm: tpe`, which searches lists, too"
        yield Finding("AM373", where, message, help=hint, severity=Severity.WARNING)
