"""Only a network has a representation of its own whose drift can be watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Remove
from aimass_compiler.pipeline.override_locations import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "task", "model", "monitoring.drift")
EXPLANATIONS = (
    Explanation(
        "AM598",
        "a representation that the model does not have",
        "`monitoring.drift.representation` watches what the last layer of a network reads: the network's own "
        "representation of a row. Trees and linear models have none. A forecast has one for each step, and a "
        "language model one for each token, which are not watched.",
    ),
    Explanation(
        "AM599",
        "a representation that one environment watches differently",
        "Packaging a model gives its graph the distance of a representation, and all environments run the "
        "same package. Write `monitoring.drift.representation` for all of them.",
    ),
)
_ASKED = "monitoring: {drift: {representation: true}}"
_THERE = "environments: {prod: {monitoring: {drift: {representation: true}}}}"
EXAMPLES = (
    Example("AM598", fails=_ASKED, passes=f"model: mlp\n{_ASKED}"),
    Example(
        "AM599", fails=f"model: mlp\n{_THERE}", passes=f"model: mlp\n{_ASKED}\nenvironments: {{prod: {{}}}}"
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Representations of models without one, and overrides that come too late."""
    (usual, is_watched), *overrides = written(pipeline, "monitoring.drift.representation")
    lacking = _without_one(pipeline)
    if is_watched and lacking:
        fix = Fix("leave `representation` out", (Remove(usual),))
        message = f"{lacking}, so the drift of its representation cannot be watched"
        yield Finding("AM598", usual, message, help=fix.message, at_key=True, fix=fix)
    for path, _ in overrides:
        message = f"`representation` is of the package, which `{path[1]}` shares with all environments"
        yield Finding("AM599", path, message, help="write it under `monitoring.drift` of all", at_key=True)


def _without_one(pipeline: Pipeline) -> str:
    """Why there is no representation; nothing where there is one."""
    model = pipeline.first_model
    if not model.has_representation:
        return f"`{model.kind}` is no network that ends with a dense layer"
    return "the target is forecast step by step" if pipeline.task.forecast is not None else ""
