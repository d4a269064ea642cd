"""The lineage of models as OpenLineage's job events: each stage, what it reads and leaves, column by column.

Format: https://openlineage.io/docs/spec/object-model; datasets are named as
https://openlineage.io/docs/spec/naming says: a file of the project in the namespace `file`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aimass_compiler.conventions import ARTIFACTS_FOLDER
from aimass_compiler.impact.downstream import CompiledModel, held
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.stages import Stage, stages_of

if TYPE_CHECKING:
    from openlineage.client.event_v2 import JobEvent, OutputDataset

_PRODUCER = "https://pypi.org/project/aimass-compiler"
_JOBS = "aimass"
_FILES = "file"
#: By column the columns that it is made of: namespace and name of a data set, and the column there.
_Fields = Mapping[str, Sequence[tuple[str, str, str]]]


def events(models: Sequence[CompiledModel]) -> Iterator[str]:
    """One JSON document for each stage of each model, in their order."""
    from openlineage.client.facet_v2 import set_producer
    from openlineage.client.serde import Serde

    set_producer(_PRODUCER)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for known in models:
        for stage in stages_of(repeats=known.pipeline.repetition is not None):
            yield Serde.to_json(_event(known, stage, now))


def _event(known: CompiledModel, stage: Stage, now: str) -> JobEvent:
    from openlineage.client.event_v2 import InputDataset, Job, JobEvent

    pipeline = known.pipeline
    reads = dict.fromkeys(path.partition("/")[0] for path in stage.needs)
    inputs = [*_sources(pipeline).values()] if stage.name == "prepare" else []
    inputs += [_stage_output(pipeline, name) for name in reads]
    return JobEvent(
        eventTime=now,
        producer=_PRODUCER,
        job=Job(_JOBS, f"{pipeline.path}.{stage.name}", _facets(known, stage)),
        inputs=[InputDataset(namespace, name) for namespace, name in inputs],
        outputs=[_left(pipeline, stage)],
    )


def _facets(known: CompiledModel, stage: Stage) -> dict[str, object]:
    from openlineage.client.facet_v2 import documentation_job, job_type_job, ownership_job

    about = known.pipeline.metadata
    found: dict[str, object] = {
        "jobType": job_type_job.JobTypeJobFacet("BATCH", "AIMASS", "STAGE"),
        "documentation": documentation_job.DocumentationJobFacet(known.pipeline.artifact.summary(stage)),
    }
    if about.owner:
        found["ownership"] = ownership_job.OwnershipJobFacet([ownership_job.Owner(about.owner)])
    return found


def _left(pipeline: Pipeline, stage: Stage) -> OutputDataset:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import schema_dataset
    from openlineage.client.generated.column_lineage_dataset import (
        ColumnLineageDatasetFacet,
        Fields,
        InputField,
    )

    namespace, name = _stage_output(pipeline, stage.name)
    made = _COLUMNS.get(stage.name)
    fields, types = made(pipeline) if made else ({}, {})
    facets: dict[str, object] = {}
    if fields:
        lineage = {
            column: Fields(inputFields=[InputField(*each) for each in origins])
            for column, origins in fields.items()
        }
        facets["columnLineage"] = ColumnLineageDatasetFacet(lineage)
        facets["schema"] = schema_dataset.SchemaDatasetFacet(
            [schema_dataset.SchemaDatasetFacetFields(column, types.get(column)) for column in fields]
        )
    return OutputDataset(namespace, name, facets=facets)


def _sources(pipeline: Pipeline) -> dict[str, tuple[str, str]]:
    """Where each source lies: its namespace and name."""
    return {name: _location(source.shown) for name, source in pipeline.data.sources.items()}


def _location(shown: str) -> tuple[str, str]:
    parts = urlsplit(shown)
    return (f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/")) if parts.scheme else (_FILES, shown)


def _stage_output(pipeline: Pipeline, stage: str) -> tuple[str, str]:
    return _FILES, f"{ARTIFACTS_FOLDER}/{pipeline.path}/{stage}"


def _rows(pipeline: Pipeline) -> tuple[_Fields, dict[str, str]]:
    """The columns of the prepared rows; of several sources that may hold one, all."""
    data, found = pipeline.data, dict[str, list[tuple[str, str, str]]]()
    for source, (namespace, name) in _sources(pipeline).items():
        wanted = held(data, source)
        own = {column: column for column in data.columns if column in wanted}
        for join in data.join:
            if join.right == source:
                own |= {made: each.column or made for made, each in (join.aggregate or {}).items()}
        for column, read in own.items():
            found.setdefault(column, []).append((namespace, name, read))
    return found, {name: column.type for name, column in data.columns.items()}


def _features(pipeline: Pipeline) -> tuple[_Fields, dict[str, str]]:
    namespace, name = _stage_output(pipeline, "prepare")
    origins = pipeline.flow.origins()
    fields = {
        column: [(namespace, name, origin) for origin in sorted(origins[column])]
        for column in pipeline.flow.outcome
    }
    return fields, {}


def _answers(pipeline: Pipeline) -> tuple[_Fields, dict[str, str]]:
    """What a packaged model answers, and the columns that it is made of."""
    namespace, name = _stage_output(pipeline, "prepare")
    target = pipeline.task.target or pipeline.task.served_as
    return {target: [(namespace, name, column) for column in sorted(pipeline.inputs)]}, {}


#: The stages of whose output each column's origin is known.
_COLUMNS = {"prepare": _rows, "features": _features, "package": _answers}
