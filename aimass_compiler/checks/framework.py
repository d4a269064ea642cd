"""The framework that a network names can build its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.network import Network, network_framework, network_frameworks
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Assign, Explanation, Finding, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("model",)
EXPLANATIONS = (
    Explanation(
        "AM289",
        "the framework does not build the layers of the model",
        "Every framework trains tables, images and recurrent networks; attention is not built with each. "
        "What a network serves does not depend on the framework that trained it.",
    ),
)
_OF_TEXT = """
data: {columns: {plan: text}}
features: [tokens: plan, drop: [tenure, charges]]
"""
EXAMPLES = (
    Example(
        "AM289",
        fails="model: {transformer: {framework: mxnet}}" + _OF_TEXT,
        passes="model: {transformer: {framework: torch}}" + _OF_TEXT,
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """A framework that lacks a layer."""
    model = pipeline.first_model
    if not isinstance(model, Network):
        return
    lacking = sorted(kind.__name__ for kind in model.kinds_of_layers - model.trained_by.builds)
    if not lacking:
        return
    able = [name for name in network_frameworks() if model.kinds_of_layers <= network_framework(name).builds]
    path = ("model", model.kind, "framework")
    message = f"`{model.framework}` builds no {lacking[0]} here, which `{model.kind}` is made of"
    fix = Fix(f"write `framework: {able[0]}`", (Assign(path, able[0]),))
    yield Finding("AM289", path, message, help=fix.message, fix=fix)
