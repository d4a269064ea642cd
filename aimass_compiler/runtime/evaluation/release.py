"""The released model on today's rows: the package that a release keeps, asked what it would have said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import polars

from aimass_compiler import artifacts, conventions
from aimass_compiler.runtime.evaluation.comparison import Rival, compare
from aimass_compiler.runtime.evaluation.predictions import Predictions
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.packaging import parity
from aimass_compiler.runtime.workspace import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.pipeline.evaluation import Gate
    from aimass_compiler.runtime.evaluation.comparison import Comparison
    from aimass_compiler.runtime.evaluation.measures import Evidence
    from aimass_compiler.runtime.workspace import Workspace
    from aimass_compiler.task import Task

_STRINGS = frozenset({"category", "text"})


class Incomparable(Exception):  # noqa: N818  # it reads as what is the case
    """The released model cannot be asked about today's rows; the message says why."""


class Released:
    """The package of the model that serves, as `aimass release` kept it."""

    def __init__(self, folder: Path, workspace: Workspace) -> None:
        self._folder = folder
        self._workspace = workspace
        self._signature = read_json(folder / conventions.SIGNATURE_FILE)

    @property
    def version(self) -> str:
        return str(self._signature["version"])

    def predict(
        self, task: Task, columns: Mapping[str, Column], split: str, truth: NDArray[Any]
    ) -> Predictions:
        """Its scores of a split's rows, the classes in today's order. Raises Incomparable."""
        order = self._order(task)
        inputs = self._signature["inputs"]
        for place in inputs:
            self._hold(place, columns)
        path = self._workspace.path(artifacts.rows(split))
        rows = polars.read_parquet(path, columns=[place["name"] for place in inputs])
        model = (self._folder / conventions.MODEL_FILE).read_bytes()
        scores = parity.predict(model, inputs, rows, task)
        scores = scores[:, order] if task.is_classification else scores.reshape(-1)
        silent = int((~numpy.isfinite(scores)).reshape(len(scores), -1).any(axis=1).sum())
        if silent:
            raise Incomparable(f"it has no answer to {silent:,} of the {len(scores):,} {split} rows")
        return Predictions(truth, scores)

    def _order(self, task: Task) -> list[int]:
        """Where it has each of today's classes."""
        if self._signature["task"] != task.kind:
            raise Incomparable(f"it is for {self._signature['task']}")
        if not task.is_classification:
            return []
        labels = self._signature["outputs"][0]["labels"]
        if sorted(labels) != sorted(task.classes):
            raise Incomparable(f"its classes are {', '.join(labels)}")
        return [labels.index(name) for name in task.classes]

    def _hold(self, place: Mapping[str, Any], columns: Mapping[str, Column]) -> None:
        """Hold a column that it reads against the one that there is."""
        name, column = place["name"], columns.get(place["name"])
        if column is None:
            raise Incomparable(f"it reads `{name}`, which is no longer in `data.columns`")
        if column.type != place["type"] and not {column.type, place["type"]} <= _STRINGS:
            raise Incomparable(f"it reads `{name}` as {place['type']}, which is {column.type} now")
        shape = list(getattr(column, "shape", ()))
        if shape != list(place.get("shape", ())):
            raise Incomparable(f"it reads `{name}` in the shape {place['shape']}, which is {shape} now")


def rival_of(
    gates: Sequence[Gate], evidence: Evidence, columns: Mapping[str, Column], workspace: Workspace
) -> Rival | None:
    """The released model on the rows that gates compare; None while nothing is released, or none asks.

    Raises StageFailure where there is a release, and not exactly its package.
    """
    wanted = {(gate.metric, gate.split) for gate in gates if gate.beats}
    found = released(workspace) if wanted else None
    if found is None:
        return None
    comparisons: dict[tuple[str, str], Comparison] = {}
    try:
        said = {
            split: found.predict(evidence.task, columns, split, evidence.predictions[split].truth)
            for split in {split for _, split in wanted}
        }
    except Incomparable as obstacle:
        hint = "if that is intended, remove `beats` until the new version is released"
        return Rival(found.version, f"{obstacle}; {hint}")
    for metric, split in sorted(wanted):
        new = evidence.predictions[split]
        comparison = compare(evidence.metrics[metric], evidence.task, new, said[split])
        if comparison:
            comparisons[metric, split] = comparison
    return Rival(found.version, "", comparisons)


def released(workspace: Workspace) -> Released | None:
    """The released package, or None while nothing is released.

    Raises StageFailure where there is a release, and not exactly its package.
    """
    folder = workspace.root / conventions.RELEASES_FOLDER / workspace.model
    record, package = folder / conventions.METRICS_FILE, folder / conventions.RELEASED_PACKAGE
    if not record.is_file():
        return None
    version = _recorded(record, workspace.root)
    shown = package.relative_to(workspace.root)
    note = f"{shown}{conventions.DVC_NOTE}"
    fetching = (
        f"fetch it with `dvc pull {note}`, or from where it was released: `dvc push {note}` there first"
    )
    if not package.is_dir():
        if not (workspace.root / note).is_file():
            message = f"the release of version {version} kept no package to compare with"
            hint = f"bring that version's `artifacts/{workspace.model}` back (`git checkout` its commit, "
            hint += f"`dvc checkout`), run `aimass release {workspace.model}` there, and commit `releases/`"
            raise StageFailure(ExitCode.USAGE, message, hint)
        raise StageFailure(ExitCode.USAGE, f"the released package {shown} is not here", fetching)
    try:
        found = Released(package, workspace)
        has_version = found.version
    except (OSError, ValueError, KeyError, TypeError):
        raise StageFailure(ExitCode.USAGE, f"{shown} is not a package", fetching) from None
    if has_version != version:
        message = f"{shown} is version {has_version}, and the release on record is version {version}"
        raise StageFailure(ExitCode.USAGE, message, fetching)
    return found


def _recorded(path: Path, root: Path) -> str:
    try:
        version = read_json(path)["version"]
    except (ValueError, TypeError, KeyError):
        version = None
    if isinstance(version, str):
        return version
    message = f"{path.relative_to(root)} does not hold a release"
    raise StageFailure(
        ExitCode.USAGE, message, "restore it from git, or record the release again: `aimass release`"
    )
