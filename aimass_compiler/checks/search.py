"""A search has something to search, in a way that its algorithm can."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Finding, Path, Severity
from aimass_compiler.explanations import Explanation
from aimass_compiler.values import Choice, Frozen, is_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM246",
        "a grid cannot try everything between two ends",
        "A grid tries every combination of what is listed. Between the ends of `uniform` and `loguniform` "
        "there is no end of values: list some with `choice`, or let `tpe` or `random` draw.",
    ),
    Explanation(
        "AM247",
        "there is nothing to search",
        "The search tries values of the parameters that are written as ranges. Without a range the model is"
        " trained once, whatever `search` says.",
    ),
    Explanation(
        "AM248",
        "there are not as many combinations as trials",
        "Once every combination of the choices was tried, further trials repeat them. A grid tries each "
        "combination once, whatever `trials` says.",
    ),
)


def _model(depth: str) -> str:
    return f"model: {{xgboost: {{max_depth: {depth}}}}}"


EXAMPLES = (
    Example(
        "AM246",
        fails=_model("{uniform: [3, 9]}") + "\nsearch: {algorithm: grid}",
        passes=_model("{choice: [3, 6, 9]}") + "\nsearch: {algorithm: grid}",
    ),
    Example(
        "AM247",
        fails=_model("6") + "\nsearch: {trials: 5}",
        passes=_model("{uniform: [3, 9]}") + "\nsearch: {trials: 5}",
    ),
    Example(
        "AM248",
        fails=_model("{choice: [3, 6, 9]}") + "\nsearch: {trials: 20}",
        passes=_model("{choice: [3, 6, 9]}") + "\nsearch: {trials: 3}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Searches without ranges, grids without lists, and more trials than combinations."""
    search, ranges = pipeline.search, _ranges(pipeline)
    written = search.model_fields_set
    if not ranges and written:
        message = f"there is nothing to search: no parameter of `{pipeline.model.kind}` is a range"
        hint = "write a parameter as `{choice: [4, 6, 8]}`, or leave `search` out"
        yield Finding("AM247", ("search",), message, help=hint, severity=Severity.WARNING, at_key=True)
    intervals = {path: found for path, found in ranges.items() if not isinstance(found, Choice)}
    if search.algorithm == "grid":
        for path in intervals:
            message = f"a grid cannot try everything between the ends of `{path[-1]}`"
            yield Finding("AM246", path, message, help="list values: `{choice: [4, 6, 8]}`")
    combinations = prod(len(found.candidates) for found in ranges.values())
    if ranges and not intervals and "trials" in written and search.trials > combinations:
        message = f"there are {combinations} combinations to try, but `trials` is {search.trials}"
        hint = f"write `trials: {combinations}`"
        yield Finding("AM248", ("search", "trials"), message, help=hint, severity=Severity.WARNING)


def _ranges(pipeline: Pipeline) -> Mapping[Path, Any]:
    """The ranges of the model and, where it learns in epochs, of the optimizer, by their places."""
    model, optimizer = pipeline.model, pipeline.training.optimizer
    found = dict(_in(model, ("model", model.kind)))
    if model.learns_in_epochs:
        found |= _in(optimizer, ("training", "optimizer", optimizer.kind))
    return found


def _in(kind: Frozen, path: Path) -> Iterator[tuple[Path, Any]]:
    for name in type(kind).model_fields:
        if is_range(getattr(kind, name)):
            yield (*path, name), getattr(kind, name)
