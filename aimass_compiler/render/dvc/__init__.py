"""The pipeline as DVC stages: each depends on the files and the part of the spec that it reads.

Source: https://dvc.org/doc/user-guide/project-structure/dvcyaml-files
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from aimass_compiler import artifacts, conventions
from aimass_compiler.diagnostics import Finding, Severity
from aimass_compiler.explanations import Explanation
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.dvc.plots import plots
from aimass_compiler.render.emit import emit
from aimass_compiler.render.shared import Shared
from aimass_compiler.stages import STAGES, Stage

EXPLANATIONS = (
    Explanation(
        "AM400",
        "a source lies outside of the project",
        "DVC knows from a file's hash whether the stages that read it are up to date. It cannot hash what "
        "lies behind an address, so the first stage runs every time; the others still run only when the "
        "rows that it leaves have changed.",
    ),
)

#: From generated/<model>/ back to the project's root, where commands run and paths start.
_ROOT = "../.."
_WILDCARDS = frozenset("*?[")


def render(shared: Shared) -> dict[str, bytes]:
    """The stages and plots as dvc.yaml."""
    pipeline = shared.pipeline
    document = {
        "stages": {stage.name: _stage(stage, pipeline) for stage in STAGES},
        "plots": plots(pipeline, f"{_ROOT}/{_artifacts(pipeline)}"),
        "artifacts": {pipeline.name: _model(pipeline)},
    }
    return {conventions.DVC_FILE: emit(document, pipeline.name)}


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """The sources that DVC cannot watch."""
    for name, source in pipeline.data.sources.items():
        if not source.is_local:
            message = f"DVC cannot tell when `{source.path}` changes, so the stage `prepare` runs every time"
            hint = "copy the data into the project where runs must be reproducible"
            yield Finding("AM400", ("data", "sources", name), message, help=hint, severity=Severity.WARNING)


def _stage(stage: Stage, pipeline: Pipeline) -> dict[str, Any]:
    folder = _artifacts(pipeline)
    needs = [f"{folder}/{path}" for path in stage.needs]
    parts: dict[str, Any] = {
        "desc": stage.summary,
        "cmd": f"{conventions.RUNTIME_COMMAND} {stage.name} {pipeline.name}",
        "wdir": _ROOT,
        "deps": [*_data_files(stage, pipeline), *needs],
        "params": [{_pipeline_file(pipeline): list(stage.reads)}],
        "outs": [f"{folder}/{path}" for path in (*stage.leaves, *stage.plots)],
        "metrics": [f"{folder}/{path}" for path in stage.metrics],
        "always_changed": _reads_unseen(stage, pipeline),
    }
    return {key: value for key, value in parts.items() if value}


def _artifacts(pipeline: Pipeline) -> str:
    return f"{conventions.ARTIFACTS_FOLDER}/{pipeline.name}"


def _pipeline_file(pipeline: Pipeline) -> str:
    return f"{conventions.GENERATED_FOLDER}/{pipeline.name}/{conventions.PIPELINE_FILE}"


def _model(pipeline: Pipeline) -> Mapping[str, Any]:
    return {
        "path": f"{_ROOT}/{_artifacts(pipeline)}/{artifacts.PACKAGED_MODEL}",
        "type": "model",
        "desc": _as_it_is(pipeline.metadata.description) or f"The model {pipeline.name}.",
        "labels": [pipeline.task.kind, pipeline.model.kind.replace("_", "-")],
    }


def _reads_data(stage: Stage) -> bool:
    return "data" in stage.reads


def _reads_unseen(stage: Stage, pipeline: Pipeline) -> bool:
    """Whether a stage reads what DVC cannot watch: what lies elsewhere, or a release that may not be there.

    DVC goes no further where a file that a stage depends on is missing, so the first release of a model
    cannot be one. Such a stage runs every time, and those behind it when it left something else.
    """
    is_elsewhere = not all(source.is_local for source in pipeline.data.sources.values())
    meets_released = any(gate.beats for gate in pipeline.evaluation.gates)
    return (_reads_data(stage) and is_elsewhere) or ("evaluation" in stage.reads and meets_released)


def _data_files(stage: Stage, pipeline: Pipeline) -> list[str]:
    if not _reads_data(stage):
        return []
    paths = {_watched(source.path) for source in pipeline.data.sources.values() if source.is_local}
    return sorted(map(_as_it_is, paths))


def _as_it_is(text: str) -> str:
    """The text as DVC shows it: DVC fills in `${…}` unless a backslash stands before it."""
    return text.replace("${", "\\${")


def _watched(path: str) -> str:
    """The file, or for a pattern the folder below which it matches: DVC knows no patterns."""
    parts = PurePosixPath(path).parts
    fixed = [part for number, part in enumerate(parts) if not _WILDCARDS & set("".join(parts[: number + 1]))]
    return str(PurePosixPath(*fixed)) if fixed else "."
