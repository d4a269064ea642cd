"""Released models on today's rows: their packages, which `aimass run` brings, asked what they would say."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.columns import request_columns
from aimass_compiler.runtime.evaluation.comparison import NoReleasedBaseline, ReleasedBaseline, compare
from aimass_compiler.runtime.evaluation.predictions import silent_rows
from aimass_compiler.runtime.evaluation.written_answers import worse_answers
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.series_rows import SERIES_COLUMNS
from aimass_compiler.runtime.workspace import read_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aimass_compiler.catalog.artifact import Artifact
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.pipeline.evaluation import Gate
    from aimass_compiler.runtime.evaluation.comparison import BaselineComparison
    from aimass_compiler.runtime.evaluation.measures import Measurements
    from aimass_compiler.runtime.evaluation.predictions import Predictions
    from aimass_compiler.runtime.workspace import Workspace


class Incomparable(Exception):  # noqa: N818  # it reads as what is the case
    """The released model cannot be asked about today's rows; the message says why."""


class Released:
    """The package of a model that serves."""

    def __init__(
        self, folder: Path, named: Mapping[str, str], artifact: Artifact[Any], workspace: Workspace
    ) -> None:
        """Read what it is. Raises ValueError where it is another package than the one that is `named`."""
        manifest = (folder / conventions.MANIFEST_FILE).read_bytes()
        if hashlib.sha256(manifest).hexdigest() != named["package"]:
            raise ValueError(folder)
        self.version, self.environment = named["version"], named["environment"]
        self._folder = folder
        self._artifact = artifact
        self._workspace = workspace
        self._signature = read_json(folder / conventions.SIGNATURE_FILE)

    def predict(self, task: Task, columns: Mapping[str, Column], split: str, new: Predictions) -> Predictions:
        """Its scores of a split's rows, which `new` has, too, in today's order of classes.

        Raises Incomparable.
        """
        if self._signature["format"] != self._artifact.package_format:
            raise Incomparable("its package is of another kind")
        order = self._order(task)
        inputs = self._signature["inputs"]
        held = columns if task.is_written else request_columns(columns, task)  # a chat holds its answer
        for place in inputs:
            self._hold(place, held)
        path = self._workspace.path(artifacts.rows(split))
        own = [] if task.forecast is None else SERIES_COLUMNS
        own = [task.target] if task.is_written else own  # it is asked how likely the right answers are
        names = dict.fromkeys((*(place["name"] for place in inputs), *own))
        rows = polars.read_parquet(path, columns=list(names))
        scores = self._artifact.answers(self._folder, inputs, rows, task)
        scores = scores[:, order] if task.is_classification else scores.reshape(-1)
        silent = silent_rows(scores)
        if silent:
            raise Incomparable(f"it has no answer to {silent:,} of the {len(scores):,} {split} rows")
        # Its labels follow from its own threshold, as its callers get them.
        threshold = self._signature.get("decision", {}).get("threshold")
        if task.is_multilabel:
            threshold = tuple(threshold[place] for place in order)
        return replace(new, scores=scores, threshold=threshold)

    def rows_of(self, split: str) -> polars.DataFrame:
        """Today's rows of a split."""
        return polars.read_parquet(self._workspace.path(artifacts.rows(split)))

    def _order(self, task: Task) -> list[int]:
        """Where it has each of today's classes."""
        if self._signature["task"] != task.served_as:
            raise Incomparable(f"it is for {self._signature['task']}")
        if not task.is_classification:
            return []
        labels = self._artifact.labels(self._signature)
        if sorted(labels) != sorted(task.classes):
            raise Incomparable(f"its classes are {', '.join(labels)}")
        return [labels.index(name) for name in task.classes]

    def _hold(self, place: Mapping[str, Any], columns: Mapping[str, Column]) -> None:
        """Hold a column that it reads against the one that there is."""
        name, column = place["name"], columns.get(place["name"])
        if column is None:
            raise Incomparable(f"it reads `{name}`, which is no longer in `data.columns`")
        if "tensor" in place:
            is_alike = column.holds.is_for_transforms and (column.holds.tensor or name) == place["tensor"]
        else:
            is_alike = column.type == place["type"]
        if not is_alike:
            raise Incomparable(f"it reads `{name}` as {place['type']}, which is {column.type} now")
        shape = list(column.column_type.shape)
        if shape != list(place.get("shape", ())):
            raise Incomparable(f"it reads `{name}` in the shape {place['shape']}, which is {shape} now")


def rivals_of(
    gates: Sequence[Gate],
    measurements: Measurements,
    columns: Mapping[str, Column],
    artifact: Artifact[Any],
    workspace: Workspace,
) -> dict[str, ReleasedBaseline | NoReleasedBaseline]:
    """The released models that gates ask for, by the environment that they name ("" for the last one).

    Raises StageFailure where there is such a release, and not exactly its package.
    """
    asked: dict[str, set[tuple[str, str]]] = {}
    for gate in gates:
        if gate.beats == "released":
            asked.setdefault(gate.environment or "", set()).add((gate.metric, gate.split))
    rivals: dict[str, ReleasedBaseline | NoReleasedBaseline] = {}
    for environment, wanted in asked.items():
        found = released(environment, artifact, workspace)
        rivals[environment] = (
            found
            if isinstance(found, NoReleasedBaseline)
            else _rival(found, sorted(wanted), measurements, columns)
        )
    return rivals


def _rival(
    found: Released,
    wanted: Sequence[tuple[str, str]],
    measurements: Measurements,
    columns: Mapping[str, Column],
) -> ReleasedBaseline:
    """One of them on the rows that gates compare."""
    comparisons: dict[tuple[str, str], BaselineComparison] = {}
    try:
        said = {
            split: found.predict(measurements.task, columns, split, measurements.predictions[split])
            for split in {split for _, split in wanted}
        }
    except Incomparable as obstacle:
        hint = "if that is intended, remove `beats` until the new version is released"
        return ReleasedBaseline(found.version, found.environment, f"{obstacle}; {hint}")
    for metric, split in wanted:
        new = measurements.predictions[split]
        comparison = compare(measurements.metrics[metric], measurements.task, new, said[split])
        if comparison:
            comparisons[metric, split] = comparison
    worse = [
        answer
        for split, old in said.items()
        for answer in worse_answers(
            measurements, split, measurements.predictions[split], old, found.rows_of(split)
        )
    ]
    return ReleasedBaseline(found.version, found.environment, comparisons=comparisons, worse=tuple(worse))


def released(
    environment: str, artifact: Artifact[Any], workspace: Workspace
) -> Released | NoReleasedBaseline:
    """The package that is released in an environment ("" for the last one), as `aimass run` left it.

    Raises StageFailure where there is a release, and not exactly its package.
    """
    place = f"{conventions.ARTIFACTS_FOLDER}/{workspace.model}/{conventions.RELEASED_FOLDER}"
    folder = workspace.root / place
    again = f"bring it again: `aimass run {workspace.model}`"
    try:
        document = read_json(folder / conventions.RELEASED_FILE)["compared"]
        noted = document[environment]
        if noted is None:
            where = f" in {environment}" if environment else ""
            return NoReleasedBaseline(f"nothing is released{where} yet")
        named = {key: str(noted[key]) for key in ("environment", "version", "package")}
    except FileNotFoundError:
        return NoReleasedBaseline(
            f"no released version is here; `aimass run {workspace.model}` brings it to compare with"
        )
    except (ValueError, TypeError, KeyError):
        message = f"{place}/{conventions.RELEASED_FILE} does not say what is released"
        raise StageFailure(ExitCode.USAGE, message, again) from None
    package = folder / named["package"]
    try:
        return Released(package, named, artifact, workspace)
    except (OSError, ValueError, KeyError, TypeError):
        shown = f"{place}/{named['package']}"
        message = (
            f"{shown} is not the package of {named['version']}, which is released in {named['environment']}"
        )
        raise StageFailure(ExitCode.USAGE, message, again) from None
