"""What stages read and leave as OpenLineage's data sets: their names, their columns, and where each is from.

The lineage of specs and that of runs take them from here, so that a catalog joins them.
Format: https://openlineage.io/docs/spec/object-model; data sets are named as
https://openlineage.io/docs/spec/naming says: a file of the project in the namespace `file`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aimass_compiler.conventions import ARTIFACTS_FOLDER
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.stages import Stage

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset
    from openlineage.client.facet_v2 import schema_dataset

PRODUCER = "https://pypi.org/project/aimass-compiler"
JOBS = "aimass"
_FILES = "file"
#: By column the columns that it is made of: namespace and name of a data set, and the column there.
_Fields = Mapping[str, Sequence[tuple[str, str, str]]]


def job_of(pipeline: Pipeline, stage: Stage) -> Job:
    """The job that a stage of a model is."""
    from openlineage.client.event_v2 import Job
    from openlineage.client.facet_v2 import documentation_job, job_type_job, ownership_job

    about = pipeline.metadata
    facets: dict[str, object] = {
        "jobType": job_type_job.JobTypeJobFacet("BATCH", "AIMASS", "STAGE"),
        "documentation": documentation_job.DocumentationJobFacet(pipeline.artifact.summary(stage)),
    }
    if about.owner:
        facets["ownership"] = ownership_job.OwnershipJobFacet([ownership_job.Owner(about.owner)])
    return Job(JOBS, f"{pipeline.path}.{stage.name}", facets)


def read_by(pipeline: Pipeline, stage: Stage) -> list[InputDataset]:
    """What a stage reads: sources with their columns, and what earlier stages left."""
    from openlineage.client.event_v2 import InputDataset

    earlier = dict.fromkeys(path.partition("/")[0] for path in stage.needs)
    found = [InputDataset(*_stage_output(pipeline, name)) for name in earlier]
    if stage.name != "prepare":
        return found
    sources = [
        InputDataset(*place, facets={"schema": _schema(pipeline.data.held(name))})
        for name, place in _sources(pipeline).items()
    ]
    return [*sources, *found]


def left_by(pipeline: Pipeline, stage: Stage) -> OutputDataset:
    """What a stage leaves, with the origin of each column where it is known."""
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.generated.column_lineage_dataset import (
        ColumnLineageDatasetFacet,
        Fields,
        InputField,
    )

    made = _COLUMNS.get(stage.name)
    fields, types = made(pipeline) if made else ({}, {})
    facets: dict[str, object] = {}
    if fields:
        lineage = {
            column: Fields(inputFields=[InputField(*each) for each in origins])
            for column, origins in fields.items()
        }
        facets["columnLineage"] = ColumnLineageDatasetFacet(lineage)
        facets["schema"] = _schema({column: types.get(column) for column in fields})
    return OutputDataset(*_stage_output(pipeline, stage.name), facets=facets)


def _schema(types: Mapping[str, str | None]) -> schema_dataset.SchemaDatasetFacet:
    from openlineage.client.facet_v2 import schema_dataset

    fields = [schema_dataset.SchemaDatasetFacetFields(column, type_) for column, type_ in types.items()]
    return schema_dataset.SchemaDatasetFacet(fields)


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
        wanted = data.held(source)
        own: dict[str, tuple[str, ...]] = {column: (column,) for column in data.columns if column in wanted}
        for join in data.join:
            if join.right == source:
                own |= {made: each.read or (made,) for made, each in (join.aggregate or {}).items()}
        for column, read in own.items():
            found.setdefault(column, []).extend((namespace, name, each) for each in read)
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
