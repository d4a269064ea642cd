"""Specs that make no sense anywhere: one file per check, and a file that is added is a check."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from aimass_compiler.checks._example import BASE, Example
from aimass_compiler.pipeline import Pipeline

if TYPE_CHECKING:
    from types import ModuleType

    from aimass_compiler.diagnostics import Finding

#: The checks by name. Each module has `findings(pipeline)`, which yields what is wrong, with paths
#: into the spec as it was written, and `EXPLANATIONS` and `EXAMPLES` of the codes that it emits.
CHECKS: dict[str, ModuleType] = {
    path.stem: import_module(f"{__name__}.{path.stem}")
    for path in sorted(FilePath(__file__).parent.glob("[a-z]*.py"))
}
EXPLANATIONS = tuple(explanation for module in CHECKS.values() for explanation in module.EXPLANATIONS)
EXAMPLES: tuple[Example, ...] = tuple(example for module in CHECKS.values() for example in module.EXAMPLES)

_ORDER = ("target", *Pipeline.model_fields)


def check(pipeline: Pipeline, file: str) -> list[Finding]:
    """What is wrong with a pipeline, in the order of its parts."""
    found = [
        replace(finding, file=finding.file or file)
        for module in CHECKS.values()
        for finding in module.findings(pipeline)
    ]
    return sorted(found, key=_place)


def _place(finding: Finding) -> tuple[int, list[tuple[int, str]], str, str]:
    part = str(finding.path[0]) if finding.path else ""
    steps = [(step, "") if isinstance(step, int) else (0, step) for step in finding.path]
    return _ORDER.index(part) if part in _ORDER else len(_ORDER), steps, finding.code, finding.message


__all__ = ["BASE", "CHECKS", "EXAMPLES", "EXPLANATIONS", "Example", "check"]
