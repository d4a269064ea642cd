"""In a list of names each stands once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Path, Remove, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.quantities import Frozen
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "features", "evaluation.metrics", "evaluation.slices")
EXPLANATIONS = (
    Explanation(
        "AM266",
        "a list has a duplicate name",
        "The second one changes nothing. Mostly another name was meant.",
    ),
)
EXAMPLES = (
    Example(
        "AM266",
        fails="features: [standardize: [tenure, tenure], one_hot: plan]",
        passes="features: [standardize: [tenure, charges], one_hot: plan]",
    ),
    Example("AM266", fails="evaluation: {slices: [plan, plan]}", passes="evaluation: {slices: [plan]}"),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Names that a list of columns or metrics repeats."""
    for path, names, is_set in _lists(pipeline):
        for place, name in enumerate(names):
            if name in names[:place]:
                fix = Fix(f"remove the second `{name}`", (Remove((*path, place)),), is_safe=is_set)
                message = f"`{name}` stands in this list twice"
                yield Finding(
                    "AM266", (*path, place), message, help="write it once", severity=Severity.WARNING, fix=fix
                )


def _lists(pipeline: Pipeline) -> Iterator[tuple[Path, tuple[str, ...], bool]]:
    """Where names stand, the names, and whether one that stands there twice is surely the same as once.

    What crosses or splits by a name twice hashes it twice.
    """
    data, evaluation = pipeline.data, pipeline.evaluation
    for place, transform in enumerate(pipeline.features):
        is_set = isinstance(transform, EachColumn) or transform.only_removes
        yield from _of_record(transform, ("features", place, transform.kind), is_set=is_set)
    for place, step in enumerate(data.clean):
        yield from _of_record(step, ("data", "clean", place, step.kind), is_set=True)
    for place, join in enumerate(data.join):
        yield ("data", "join", place, "on"), join.on, False
    yield from _of_record(data.split, ("data", "split"), is_set=False)
    yield ("evaluation", "metrics"), evaluation.metrics or (), True
    yield ("evaluation", "slices"), evaluation.slices, True


def _of_record(record: Frozen, path: Path, *, is_set: bool) -> Iterator[tuple[Path, tuple[str, ...], bool]]:
    """The lists of columns; other lists of a kind are its own to judge."""
    for key in ("columns", "by", "key"):
        names = vars(record).get(key)
        if isinstance(names, tuple) and len(names) > 1:
            yield (*path, key), names, is_set
