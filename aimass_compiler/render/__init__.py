"""Pipeline to files: every target in its own folder, pure, and merged here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Finding
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render import dvc, image, monitoring, serving, training
from aimass_compiler.render.shared import Shared

TARGETS = (dvc, training, image, serving, monitoring)

EXPLANATIONS = tuple(explanation for target in TARGETS for explanation in getattr(target, "EXPLANATIONS", ()))


def render(pipeline: Pipeline) -> dict[str, bytes]:
    """Every file of the model by its path below generated/<model>/.

    Raises ValueError when two targets write the same path.
    """
    shared = Shared(pipeline)
    files = {conventions.PIPELINE_FILE: shared.pipeline_file}
    for target in TARGETS:
        rendered = target.render(shared)
        if taken := sorted(files.keys() & rendered.keys()):
            raise ValueError(f"{target.__name__} writes {', '.join(taken)}, which another target writes")
        files |= rendered
    return dict(sorted(files.items()))


def render_all(pipelines: Mapping[str, Pipeline]) -> dict[str, bytes]:
    """The files of several models by their path below generated/."""
    return {
        f"{name}/{path}": content
        for name in sorted(pipelines)
        for path, content in render(pipelines[name]).items()
    }


def findings(pipeline: Pipeline, file: str) -> Iterator[Finding]:
    """What the targets cannot express of this pipeline; findings about the settings name their own file."""
    for target in TARGETS:
        if hasattr(target, "findings"):
            yield from (replace(finding, file=finding.file or file) for finding in target.findings(pipeline))
