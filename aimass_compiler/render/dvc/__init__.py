"""The pipeline as DVC stages: each depends on the files and the part of the spec that it reads.

Source: https://dvc.org/doc/user-guide/project-structure/dvcyaml-files
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aimass_compiler import conventions, model_path
from aimass_compiler.diagnostics import Example, Explanation, Finding, Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.dvc.plots import plots
from aimass_compiler.render.emit import emit
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.target import Rendered, Target
from aimass_compiler.stages import SCORE, Stage, artifacts

EXPLANATIONS = (
    Explanation(
        "AM400",
        "a source lies outside of the project",
        "DVC knows from a file's hash whether the stages that read it are up to date. It cannot hash what "
        "lies behind an address, so the first stage runs every time; the others still run only when the "
        "rows that it leaves have changed.",
    ),
)
EXAMPLES = (
    Example(
        "AM400",
        'data: {sources: {customers: {parquet: "s3://lake/customers/*.parquet"}}}',
        "data: {sources: {customers: data/customers.parquet}}",
    ),
)
#: What stands for the folder that all stages write to, as DVC fills it in.
_VARIABLE = "out"


def render(source: PipelineJson) -> Rendered:
    """The stages and plots as dvc.yaml."""
    pipeline = source.pipeline
    document = {
        **({"vars": [{_VARIABLE: _artifacts(pipeline)}]} if _is_compact(pipeline) else {}),
        "stages": {stage.name: _stage(stage, pipeline) for stage in pipeline.stages},
        "plots": plots(pipeline, f"{_root(pipeline)}/{_artifacts(pipeline)}"),
        "artifacts": {pipeline.name: _model(pipeline)},
    }
    return Rendered(files={conventions.DVC_FILE: emit(document, pipeline.path)})


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """The sources that DVC cannot watch."""
    for name, source in pipeline.data.sources.items():
        if not source.dependencies():
            message = f"DVC cannot know when `{source.shown}` changes, so the stage `prepare` runs every time"
            hint = "copy the data into the project where runs must be reproducible"
            yield Finding("AM400", ("data", "sources", name), message, help=hint, severity=Severity.WARNING)


def _stage(stage: Stage, pipeline: Pipeline) -> dict[str, Any]:
    folder = f"${{{_VARIABLE}}}" if _is_compact(pipeline) else _artifacts(pipeline)
    artifact = pipeline.artifact
    needs = [f"{folder}/{path}" for path in artifact.places(stage.needs)]
    parts: dict[str, Any] = {
        "desc": artifact.summary(stage),
        "cmd": command(stage, pipeline.path),
        "wdir": _root(pipeline),
        "deps": [
            *_data_files(stage, pipeline),
            *_other_files(stage, pipeline),
            *needs,
            *_calibrating_rows(stage, pipeline),
            *_scored_files(stage, pipeline),
        ],
        "params": [{_pipeline_file(pipeline): [key for key in stage.reads if _is_written(key, pipeline)]}],
        "outs": [
            *(f"{folder}/{path}" for path in artifact.places((*stage.leaves, *stage.plots))),
            *_scores(stage, pipeline),
        ],
        "metrics": [f"{folder}/{path}" for path in stage.metrics],
        "always_changed": reads_unseen(stage, pipeline),
    }
    return {key: value for key, value in parts.items() if value}


def _is_written(key: str, pipeline: Pipeline) -> bool:
    """Whether pipeline.json has a key; DVC refuses parameters that are not there."""
    value: Any = pipeline
    for word in key.split("."):
        value = getattr(value, word)
    return value is not None


def command(stage: Stage, model: str) -> str:
    """What DVC runs for a stage."""
    return f"{conventions.RUNTIME_COMMAND} {stage.name} {model}"


def _root(pipeline: Pipeline) -> str:
    """From the model's folder in generated/ to the project's root, where commands run and paths start."""
    return f"../{model_path.root_from(pipeline.path)}"


def _is_compact(pipeline: Pipeline) -> bool:
    return pipeline.settings.generated.layout == "compact"


def _artifacts(pipeline: Pipeline) -> str:
    return f"{conventions.ARTIFACTS_FOLDER}/{pipeline.path}"


def _pipeline_file(pipeline: Pipeline) -> str:
    return f"{conventions.GENERATED_FOLDER}/{pipeline.path}/{conventions.PIPELINE_FILE}"


def _model(pipeline: Pipeline) -> Mapping[str, Any]:
    file = next(pipeline.artifact.places([artifacts.PACKAGED_MODEL]))
    return {
        "path": f"{_root(pipeline)}/{_artifacts(pipeline)}/{file}",
        "type": "model",
        "desc": _as_it_is(pipeline.metadata.description) or f"The model {pipeline.name}.",
        "labels": [pipeline.task.kind, *_kinds(pipeline)],
    }


def _reads_data(stage: Stage) -> bool:
    return "data" in stage.reads


def reads_unseen(stage: Stage, pipeline: Pipeline) -> bool:
    """Whether a stage reads what DVC cannot watch: what lies elsewhere, or a package that is released.

    DVC goes no further where a file that a stage depends on is missing, so such a package cannot be one:
    before its first release a model has none. Such a stage runs every time, and those behind it when it
    left something else.
    """
    if _reads_data(stage) and not all(source.dependencies() for source in pipeline.data.sources.values()):
        return True
    if stage == SCORE and pipeline.scoring is not None and not pipeline.scoring.source.dependencies():
        return True
    return "evaluation" in stage.reads and any(gate.beats == "released" for gate in pipeline.evaluation.gates)


def _data_files(stage: Stage, pipeline: Pipeline) -> list[str]:
    if not _reads_data(stage):
        return []
    paths = {path for source in pipeline.data.sources.values() for path in source.dependencies()}
    return sorted(map(_as_it_is, paths))


def _calibrating_rows(stage: Stage, pipeline: Pipeline) -> list[str]:
    """The rows by which weights are quantised, where these say how."""
    if "quantize" not in stage.reads or pipeline.quantize is None or not pipeline.quantize.how.is_calibrated:
        return []
    return [f"{_artifacts(pipeline)}/{artifacts.matrix('train')}"]


def _scored_files(stage: Stage, pipeline: Pipeline) -> list[str]:
    """The files of the table that is scored."""
    if stage != SCORE or pipeline.scoring is None:
        return []
    return sorted(map(_as_it_is, pipeline.scoring.source.dependencies()))


def _scores(stage: Stage, pipeline: Pipeline) -> list[Mapping[str, Any]]:
    """The folder for predictions, which a run finds as the last one left it: what is the same stays."""
    if stage != SCORE or pipeline.scoring is None:
        return []
    return [{pipeline.scoring.into: {"persist": True}}]


def _kinds(pipeline: Pipeline) -> list[str]:
    """What the model is, or may be where the search chooses among several."""
    return list(dict.fromkeys(model.kind.replace("_", "-") for model in pipeline.model.candidates))


def _other_files(stage: Stage, pipeline: Pipeline) -> list[str]:
    """The code of the project that a stage runs, and the trials that its search begins with."""
    found = set(pipeline.model.dependencies if "model" in stage.reads else ())
    if "features" in stage.reads:
        found.update(path for transform in pipeline.features for path in transform.dependencies)
        found.update(() if pipeline.task.conversation is None else pipeline.task.conversation.dependencies)
    if "evaluation" in stage.reads:
        found.update(suite.lm_eval.path for suite in pipeline.evaluation.suites)
    if "search" in stage.reads and pipeline.search.warm_start is not None:
        found.add(pipeline.search.warm_start)
    return sorted(map(_as_it_is, found))


def _as_it_is(text: str) -> str:
    """The text as DVC shows it: DVC fills in `${…}` unless a backslash stands before it."""
    return text.replace("${", "\\${")


TARGET = Target(render=render, findings=findings)
