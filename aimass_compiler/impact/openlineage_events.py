"""The lineage of models as OpenLineage's job events: each stage, what it reads and leaves, by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aimass_compiler.impact.downstream import CompiledModel
from aimass_compiler.pipeline.openlineage_datasets import PRODUCER, job_of, left_by, read_by
from aimass_compiler.stages import Stage

if TYPE_CHECKING:
    from openlineage.client.event_v2 import JobEvent


def events(models: Sequence[CompiledModel]) -> Iterator[str]:
    """One JSON document for each stage of each model, in their order."""
    from openlineage.client.facet_v2 import set_producer
    from openlineage.client.serde import Serde

    set_producer(PRODUCER)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for known in models:
        for stage in known.pipeline.stages:
            yield Serde.to_json(_event(known, stage, now))


def _event(known: CompiledModel, stage: Stage, now: str) -> JobEvent:
    from openlineage.client.event_v2 import JobEvent

    pipeline = known.pipeline
    return JobEvent(
        eventTime=now,
        producer=PRODUCER,
        job=job_of(pipeline, stage),
        inputs=read_by(pipeline, stage),
        outputs=[left_by(pipeline, stage)],
    )
