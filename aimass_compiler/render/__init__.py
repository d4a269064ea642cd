"""Pipeline to files: each target says what it makes, and here that is put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Finding
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render import environments, platform
from aimass_compiler.render.abilities import ABILITIES
from aimass_compiler.render.compact import compacted
from aimass_compiler.render.kustomizations import kustomizations, objects_of
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.record import record_file
from aimass_compiler.render.targets import PLATFORMS, TARGETS


def render(pipeline: Pipeline) -> dict[str, bytes]:
    """Every file of the model by its path below generated/<model>/.

    Raises ValueError when two targets write the same path.
    """
    source = PipelineJson(pipeline)
    rendered = {name: target.render(source) for name, target in TARGETS.items()}
    every = [*rendered.values()]
    objects = objects_of(pipeline, every)
    is_compact = pipeline.settings.generated.layout == "compact"
    files = {conventions.PIPELINE_FILE: source.shortened if is_compact else source.whole}
    parts = {name: each.files for name, each in rendered.items()}
    parts["base and overlays"] = kustomizations(pipeline, every, objects)
    parts["the record"] = record_file(source, every, objects)
    for name, own in parts.items():
        if taken := sorted(files.keys() & own.keys()):
            raise ValueError(f"{name} writes {', '.join(taken)}, which another target writes")
        files |= own
    if is_compact:
        files = {path: compacted(path, content) for path, content in files.items()}
    return dict(sorted(files.items()))


def render_all(pipelines: Mapping[str, Pipeline]) -> dict[str, bytes]:
    """The files of several models by their path below generated/."""
    return {
        f"{name}/{path}": content
        for name in sorted(pipelines)
        for path, content in render(pipelines[name]).items()
    }


def findings(pipeline: Pipeline, file: str) -> Iterator[Finding]:
    """What no target, or not all of them, can express; findings about the settings name their own file."""
    found = [environments.findings(pipeline), *(target.findings(pipeline) for target in TARGETS.values())]
    found += [platform.findings(each, ABILITIES, pipeline) for each in PLATFORMS]
    yield from (replace(finding, file=finding.file or file) for each in found for finding in each)
