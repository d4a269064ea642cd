"""An accelerator stands where something uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Remove, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("model", "environments")
IS_OF_ALL_MODELS = True
EXPLANATIONS = (
    Explanation(
        "AM440",
        "an accelerator that nothing uses",
        "`environments.NAME.accelerator` in a spec says what each server and each training worker of a "
        "language model has. Other models are served on CPUs, and `training.gpus` says how many GPUs train "
        "them, so here it changes nothing. In aimass.yaml it holds for the language models of the project.",
    ),
)
EXAMPLES = (
    Example(
        "AM440",
        fails="environments: {prod: {accelerator: {name: nvidia-l4, memory: 24Gi}}}",
        passes="environments: {prod: {serving: {replicas: {min: 3}}}}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Accelerators that a spec names although none of its models runs on one."""
    if any(model.artifact.runs_on_accelerators for model in pipeline.model.candidates):
        return
    for name, environment in pipeline.environments.items():
        if environment.accelerator is not None:
            path = ("environments", name, "accelerator")
            message = f"no server of this model uses the accelerator `{environment.accelerator.name}`"
            fix = Fix("remove `accelerator`", (Remove(path),))
            yield Finding("AM440", path, message, severity=Severity.WARNING, at_key=True, fix=fix)
