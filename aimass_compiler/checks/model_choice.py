"""Each of the models that a search chooses from is tried, and is another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.model_choice import KEY, ModelChoice
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Assign, Explanation, Finding, Fix, Related, Remove, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("model", "search")
IS_OF_ALL_MODELS = True
EXPLANATIONS = (
    Explanation(
        "AM371",
        "there are fewer trials than models to choose from",
        "Each model is tried once before any is tried again. With fewer trials, the last of the list would "
        "never be trained.",
    ),
    Explanation(
        "AM372",
        "a model is listed twice",
        "Both have the same hyperparameters and ranges, so they would be searched twice for one result. The "
        "same model with other hyperparameters is another model.",
    ),
)
_BOTH = "model: {one_of: [logistic_regression, naive_bayes]}"
EXAMPLES = (
    Example(
        "AM371",
        fails="model: {one_of: [logistic_regression, naive_bayes, svm]}\nsearch: {trials: 2}",
        passes=f"{_BOTH}\nsearch: {{trials: 2}}",
    ),
    Example("AM372", fails="model: {one_of: [logistic_regression, logistic_regression]}", passes=_BOTH),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Models that are the same, and too few trials to try each."""
    if not isinstance(pipeline.model, ModelChoice):
        return
    models = pipeline.model.one_of
    for place, model in enumerate(models[1:], start=1):
        path, known = ("model", KEY, place), models[:place]
        if model in known:
            message = f"`{model.kind}` with the same hyperparameters is to choose from twice"
            note = Related(("model", KEY, known.index(model)), "it stands here, too")
            fix = Fix(f"remove the second `{model.kind}`", (Remove(path),), is_safe=False)
            yield Finding(
                "AM372", path, message, help=fix.message, severity=Severity.WARNING, related=(note,), fix=fix
            )  # fmt: skip
    if pipeline.search.algorithm != "grid" and pipeline.search.trials < len(models):
        where, count = ("search", "trials"), len(models)
        message = f"there are {count} models to choose from, but only {pipeline.search.trials} trials"
        fix = Fix(f"write `trials: {count}`, or more", (Assign(where, count),), is_safe=False)
        yield Finding("AM371", where, message, help=fix.message, fix=fix)
