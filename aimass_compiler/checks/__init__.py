"""Specs that make no sense anywhere: one file per check, and a file that is added is a check."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from aimass_compiler.checks._candidates import findings_of
from aimass_compiler.checks._example import BASE, LANGUAGE, Example
from aimass_compiler.checks._failed_parts import in_sound_parts, is_failed
from aimass_compiler.checks._waivers import remaining
from aimass_compiler.pipeline import Pipeline

if TYPE_CHECKING:
    from types import ModuleType

    from aimass_compiler.diagnostics import Finding
    from aimass_compiler.pipeline.settings import Settings

#: The checks by name. Each module has `EXPLANATIONS` and `EXAMPLES` of the codes that it emits, and one of:
#: - `findings(pipeline)`, which yields what is wrong, with paths into the spec as it was written, and
#:   `NEEDS`, the parts of the spec that it reads, such as `features` or `serving.limits`: it is not run
#:   where one of them could not be decoded or lowered. One that needs `model` is about `first_model`, and is
#:   asked about each that there is to choose from, unless it says `IS_OF_ALL_MODELS`
#: - `findings_in_text(text)`, with places in the text
#: - `findings(specs, others)`, of what is wrong between several specs, which `compile.py` asks for
CHECKS: dict[str, ModuleType] = {
    path.stem: import_module(f"{__name__}.{path.stem}")
    for path in sorted(FilePath(__file__).parent.glob("[a-z]*.py"))
}
EXPLANATIONS = tuple(explanation for module in CHECKS.values() for explanation in module.EXPLANATIONS)

_OF_PIPELINES = tuple(module for module in CHECKS.values() if hasattr(module, "NEEDS"))
_OF_TEXTS = tuple(module for module in CHECKS.values() if hasattr(module, "findings_in_text"))
#: Of what one spec shows by itself.
EXAMPLES: tuple[Example, ...] = tuple(
    example
    for module in (*_OF_PIPELINES, *_OF_TEXTS)
    for example in module.EXAMPLES
    if example.of != "situation"
)
_ORDER = ("target", "positive", "weight", *Pipeline.model_fields)


def check(pipeline: Pipeline, file: str, failed: frozenset[str] = frozenset()) -> list[Finding]:
    """What is wrong with a pipeline, in the order of its parts; nothing is said of parts that `failed`."""
    found = [
        finding
        for module in _OF_PIPELINES
        if not (failed and any(is_failed(part, failed) for part in module.NEEDS))
        for finding in findings_of(module, pipeline)
    ]
    return sorted(_in(file, found), key=_place)


def check_text(text: str, file: str) -> list[Finding]:
    """What is wrong with a file whatever it means, in the order of its text."""
    found = [finding for module in _OF_TEXTS for finding in module.findings_in_text(text)]
    return sorted(_in(file, found), key=lambda finding: (finding.place, finding.code))


def check_settings(text: str, file: str, settings: Settings) -> list[Finding]:
    """What is wrong with aimass.yaml; it may accept warnings."""
    return remaining(check_text(text, file), None, settings, file)


def _in(file: str, found: list[Finding]) -> list[Finding]:
    return [finding if finding.file else replace(finding, file=file) for finding in found]


def _place(finding: Finding) -> tuple[int, list[tuple[int, str]], str, str]:
    part = str(finding.path[0]) if finding.path else ""
    steps = [(step, "") if isinstance(step, int) else (0, step) for step in finding.path]
    return _ORDER.index(part) if part in _ORDER else len(_ORDER), steps, finding.code, finding.message


__all__ = [
    "BASE",
    "CHECKS",
    "EXAMPLES",
    "EXPLANATIONS",
    "LANGUAGE",
    "Example",
    "check",
    "check_settings",
    "check_text",
    "in_sound_parts",
    "is_failed",
    "remaining",
]
