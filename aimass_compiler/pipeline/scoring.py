"""Scoring a whole table at once: which one, when, and where the predictions go."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Duration, Frozen, Integer, Number, Within, is_absent
from aimass_compiler.catalog.source_choice import SourceChoice
from aimass_compiler.pipeline.job_resources import JobResources
from aimass_compiler.pipeline.monitoring import Schedule

#: What can stand in a URL of an object store and in no command as anything else.
_FOLDER = r"((s3|gs)://[A-Za-z0-9._-]+(/[A-Za-z0-9._=-]+)+|[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*)"


def _is_folder(value: str) -> str:
    folder = value.rstrip("/")
    if not re.fullmatch(_FOLDER, folder) or ".." in PurePosixPath(folder).parts or folder == ".":
        message = "{shown} is no folder of the project or of an object store; write it like {example}"
        shown = {"shown": f"`{value}`", "example": "`scores/churn` or `s3://lake/scores/churn`"}
        raise PydanticCustomError("scores", message, shown)
    return folder


Folder = Annotated[str, AfterValidator(_is_folder), Field(json_schema_extra={"pattern": f"^{_FOLDER}/?$"})]


class Scoring(Frozen):
    """A table of which every row is predicted."""

    source: SourceChoice
    """Where the rows come from, as in `data.sources`: a path, or `{KIND: {…}}`, with the columns of a
    request."""
    into: Folder
    """The folder for the predictions: in the project, where DVC keeps them, or in an object store
    (`s3://…`, `gs://…`), where each run has a folder."""
    schedule: Schedule | None = None
    """When the cluster scores it with what is released, as a cron expression of five fields or a word such as
    `@daily`, in UTC; by default only `aimass score` and `aimass run` do."""
    key: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Columns of the table that stand beside the predictions, such as an id; by default the row's number."""
    rejects: Number = Field(0.01, ge=0, le=1)
    """The largest share of rows that may break the contract; they go to `_rejects`, each with the reason.
    With more of them, nothing is handed over."""
    retries: Integer = Field(3, ge=0, le=20)
    """How often the cluster goes on with a run that was killed."""
    deadline: Annotated[Duration, Within("1m", "7d")] = Duration("6h")
    """How long a scheduled run may take with all of its retries."""
    resources: JobResources = Field(default_factory=JobResources.default)
    """What the pod that scores may use; a block of rows is read at a time, whatever the table's size."""
    workers: Integer | None = Field(None, ge=1, le=1000, exclude_if=is_absent)
    """How many pods score the blocks of a scheduled run side by side, each with these resources, in a Ray
    cluster that KubeRay makes for the run; by default one pod scores, without Ray."""

    @property
    def is_kept_here(self) -> bool:
        """Whether the predictions lie in the project, where DVC keeps them."""
        return "://" not in self.into

    @property
    def is_of_cluster(self) -> bool:
        """Whether a cluster scores it by the clock: whose pods have no files of the project."""
        return self.schedule is not None and not self.is_kept_here and not self.source.dependencies()
