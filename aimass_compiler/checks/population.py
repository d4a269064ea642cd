"""Population-based training changes only what can change while a network learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Assign, Explanation, Finding, Fix, Remove
from aimass_compiler.pipeline import search_space

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("model", "search", "training")
IS_OF_ALL_MODELS = True
EXPLANATIONS = (
    Explanation(
        "AM387",
        "population-based training cannot do this",
        "`scheduler: pbt` trains `trials` networks side by side. Now and then the last of them take over the "
        "weights of the best, and go on with other values. So it needs one network, and searches only what "
        "may change while it learns: the optimizer's parameters and `dropout`. Each trial learns for all "
        "`epochs` by one worker, whatever a budget says.",
    ),
)
_OF_MLP = "search: {trials: 8, scheduler: pbt"
_RATE = "training: {optimizer: {adam: {learning_rate: {loguniform: [0.0001, 0.1]}}}"
EXAMPLES = (
    Example(
        "AM387",
        fails="model: {xgboost: {max_depth: {uniform: [3, 9]}}}\nsearch: {trials: 7, scheduler: pbt}",
        passes="model: {xgboost: {max_depth: {uniform: [3, 9]}}}\nsearch: {trials: 7, scheduler: asha}",
    ),
    Example(
        "AM387",
        fails=f"model: {{mlp: {{hidden: {{choice: [[8], [16]]}}}}}}\n{_OF_MLP}}}\n{_RATE}}}",
        passes=f"model: {{mlp: {{hidden: [8]}}}}\n{_OF_MLP}}}\n{_RATE}}}",
    ),
    Example(
        "AM387",
        fails=f"model: mlp\n{_OF_MLP}, time: 10m}}\n{_RATE}}}",
        passes=f"model: mlp\n{_OF_MLP}}}\n{_RATE}}}",
    ),
    Example(
        "AM387",
        fails=f"model: mlp\n{_OF_MLP}}}\n{_RATE}, workers: 2}}",
        passes=f"model: mlp\n{_OF_MLP}}}\n{_RATE}}}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What a population cannot search, end early or share."""
    search, models = pipeline.search, pipeline.model.candidates
    if not search.is_population:
        return
    midway = models[0].changes_midway
    if len(models) > 1 or midway is None:
        who = "of several models" if len(models) > 1 else f"while `{models[0].kind}` learns"
        path = ("search", "scheduler")
        fix = Fix("write `scheduler: asha`", (Assign(path, "asha"),))
        yield Finding("AM387", path, f"`pbt` changes no values {who}", help=fix.message, fix=fix)
        return
    for place in search_space.ranges(pipeline.model, pipeline.training):
        if place[0] == "model" and place[-1] not in midway:
            message = f"`{place[-1]}` cannot change while a network learns"
            yield Finding("AM387", place, message, help="give it one value, or search with `scheduler: asha`")
    for name, limit in {"time": search.time, "cost": search.cost}.items():
        if limit is not None:
            away = Fix(f"remove `{name}`", (Remove(("search", name)),))
            message = f"`{name}` does not end a population: each of its trials learns for all `epochs`"
            yield Finding("AM387", ("search", name), message, help=away.message, fix=away)
    if pipeline.training.worker_range != (1, 1):
        message = "each trial of a population is trained by one worker"
        yield Finding("AM387", ("training", "workers"), message, help="leave `workers` out")
