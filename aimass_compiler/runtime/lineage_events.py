"""What a stage read and left, told to a catalog as OpenLineage's run events: START, then COMPLETE or FAIL.

Off unless a variable of OpenLineage's own client says where events go. Whatever keeps them from getting there
is printed and changes nothing about the stage.
Source: https://openlineage.io/docs/client/python/configuration
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.partial_values import whole_environments
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.openlineage_datasets import PRODUCER, job_of, left_by, read_by
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.stages import Stage
from aimass_compiler.version import __version__

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import RunEvent

    from aimass_compiler.runtime.workspace import Workspace

#: Each alone says where events go; the last begins the names of several.
_WHERE = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")
_TRANSPORT = "OPENLINEAGE__TRANSPORT__"
#: The run that started this one, as OpenLineage's other integrations have it: `NAMESPACE/JOB/RUN`.
_PARENT = "OPENLINEAGE_PARENT_ID"


def is_asked_for() -> bool:
    """Whether the environment says where events go."""
    return any(name in _WHERE or name.startswith(_TRANSPORT) for name, value in os.environ.items() if value)


@contextmanager
def events_sent(stage: Stage, workspace: Workspace) -> Iterator[None]:
    """Tell of the stage that runs in the block, if that is asked for. Raises only what the block raises."""
    events = _begun(stage, workspace) if is_asked_for() else None
    if events is None:
        yield
        return
    try:
        yield
    except BaseException as error:
        events.send("FAIL", error)
        raise
    events.send("COMPLETE")


@dataclass
class _StageEvents:
    """One run of a stage, of which a catalog knows already that it started."""

    client: OpenLineageClient
    stage: Stage
    pipeline: Pipeline
    run: str

    def send(self, state: str, error: BaseException | None = None) -> None:
        try:
            self.client.emit(self.event(state, error))
        except Exception as problem:  # noqa: BLE001  # no catalog stops a stage
            _note(problem)

    def event(self, state: str, error: BaseException | None = None) -> RunEvent:
        from openlineage.client.event_v2 import Run, RunEvent, RunState

        return RunEvent(
            eventTime=datetime.now(UTC).isoformat(timespec="milliseconds"),
            eventType=RunState[state],
            producer=PRODUCER,
            run=Run(self.run, _run_facets(error)),
            job=job_of(self.pipeline, self.stage),
            inputs=read_by(self.pipeline, self.stage),
            outputs=[left_by(self.pipeline, self.stage)],
        )


def _begun(stage: Stage, workspace: Workspace) -> _StageEvents | None:
    """The run, once the catalog knows of it; None where it does not, and is not asked a second time."""
    try:
        from openlineage.client import OpenLineageClient
        from openlineage.client.facet_v2 import set_producer
        from openlineage.client.uuid import generate_new_uuid

        set_producer(PRODUCER)
        path = workspace.generated / conventions.PIPELINE_FILE
        document = json.loads(path.read_text(encoding="utf-8"))
        pipeline = Pipeline.model_validate({**whole_environments(document), "settings": Settings.default()})
        events = _StageEvents(OpenLineageClient(), stage, pipeline, str(generate_new_uuid()))
        events.client.emit(events.event("START"))
    except ImportError:
        _note("openlineage-python is not installed: `pip install 'aimass-compiler[lineage]'` brings it")
    except Exception as problem:  # noqa: BLE001  # as above
        _note(problem)
    else:
        return events
    return None


def _run_facets(error: BaseException | None) -> dict[str, Any]:
    from openlineage.client.facet_v2 import error_message_run, parent_run, processing_engine_run

    facets: dict[str, Any] = {
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
            version=__version__, name="aimass", openlineageAdapterVersion=__version__
        )
    }
    namespace, _, rest = os.environ.get(_PARENT, "").partition("/")
    job, _, run = rest.rpartition("/")
    if namespace and job and run:
        facets["parent"] = parent_run.ParentRunFacet(parent_run.Run(run), parent_run.Job(namespace, job))
    if error is not None:
        message = str(error) or type(error).__name__
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(message, "python")
    return facets


def _note(problem: object) -> None:
    print(f"lineage: the event was not sent: {str(problem)[:300]}", file=sys.stderr)
