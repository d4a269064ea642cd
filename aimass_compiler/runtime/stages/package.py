"""The fifth stage: what serves, from transforms and model, with its contract, reference and card."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import polars

from aimass_compiler.catalog.forecast_request import by_request, request_inputs, request_rows
from aimass_compiler.catalog.model import model_named
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.columns import request_columns
from aimass_compiler.runtime.evaluation.forecasts import widths_of
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.packaging import signature
from aimass_compiler.runtime.packaging.background import background_of
from aimass_compiler.runtime.packaging.card import card
from aimass_compiler.runtime.packaging.golden import golden_rows
from aimass_compiler.runtime.packaging.manifest import write_documents
from aimass_compiler.runtime.packaging.reference import (
    prediction_reference,
    representation_reference,
    served_reference,
)
from aimass_compiler.runtime.parity import require_same_package
from aimass_compiler.runtime.workspace import Workspace, read_json, replacing_all
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy
    from numpy.typing import NDArray

    from aimass_compiler.catalog.artifact import Artifact
    from aimass_compiler.catalog.task import Task, Thresholds
    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.pipeline.evaluation import Parity
    from aimass_compiler.pipeline.quantization import Quantization
    from aimass_compiler.pipeline.serving import Explanations


class _Wanted(NamedTuple):
    """What a package holds beside what every one does."""

    explanations: Explanations | None
    is_watched: bool
    """Whether the drift of its representation can be told."""


def run(  # noqa: PLR0913  # what the stage reads of pipeline.json, each by its name
    name: str,
    task: Task,
    columns: Mapping[str, Column],
    *,
    explanations: Explanations | None = None,
    parity: Parity | None = None,
    quantize: Quantization | None = None,
    engine: str | None = None,
    adapter_of: str | None = None,
    representation: bool | None = None,
    workspace: Workspace,
) -> None:
    """Write the package.

    Raises StageFailure when the package answers otherwise than was evaluated, and for a model that missed
    a gate: such a run can be kept, and come back as an experiment without `evaluate` being run again.
    """
    _require_gates(read_json(workspace.path(artifacts.VERDICT)))
    best = read_json(workspace.path(artifacts.BEST))
    task = task.naming(best.get("classes", task.classes))
    artifact = model_named(best["model"]).artifact.made_for(engine, is_adapter=adapter_of is not None)
    if artifact.packaged_by is not None:
        module, _, function = artifact.packaged_by.partition(":")
        getattr(import_module(module), function)(name, task, artifact, parity, quantize, workspace)
    else:
        wanted = _Wanted(explanations, is_watched=bool(representation))
        _write_graph_package(name, task, columns, wanted, artifact, workspace)


def _write_graph_package(
    name: str,
    task: Task,
    columns: Mapping[str, Column],
    wanted: _Wanted,
    artifact: Artifact[Any],
    workspace: Workspace,
) -> None:
    """Join transforms and model, and write what says what they are. Raises StageFailure."""
    best, folder = read_json(workspace.path(artifacts.BEST)), workspace.folder(artifacts.PACKAGE)
    held = request_columns(columns, task)
    with replacing_all(folder, artifact.files) as made:
        package = _GraphPackage(task, artifact, workspace, made)
        watched = package.joined(wanted)
        asked, answered = package.answers()
        known = {"version": artifact.version(made), "trained_at": best["trained_at"]}
        contract = {"format": artifact.package_format, "model": name, **known}
        contract |= package.contract(held, asked)
        reference = package.reference(answered) | watched | package.background(wanted, asked, contract)
        possible = {
            artifacts.SIGNATURE: contract,
            artifacts.REFERENCE: reference,
            artifacts.GOLDEN: package.golden_rows(asked, answered, contract),
            artifacts.REACHED: known | package.report,
        }
        model_card = card(name, task, held, contract, package.report, best, package.rows.height)
    documents = {path: possible[path] for path in artifact.places(possible)}
    write_documents(documents, model_card, workspace)
    made_of = f"version {known['version']}, {artifact.size(folder):,} bytes"
    print(f"{made_of}; it answers {package.rows.height:,} test rows as evaluated", flush=True)


class _GraphPackage:
    """The package of a graph in a folder, and what is known of it from the rows of the test split."""

    def __init__(self, task: Task, artifact: Artifact[Any], workspace: Workspace, folder: Path) -> None:
        self._task, self._artifact, self._workspace, self._folder = task, artifact, workspace, folder
        self.rows = polars.read_parquet(workspace.path(artifacts.rows("test")))
        self.report: dict[str, Any] = self._read(artifacts.METRICS) | self._read(artifacts.VERDICT)
        self.threshold = _threshold(task, self.report)
        self._intervals = self.report.get("prediction_intervals")
        self._features = self._read(artifacts.FEATURES)
        self._inputs = request_inputs(self._features["inputs"], task)

    def _read(self, path: str) -> dict[str, Any]:
        return read_json(self._workspace.path(path))

    def joined(self, wanted: _Wanted) -> dict[str, Any]:
        """Join transforms and model in the folder; what the drift of representations is measured against."""
        train, features = self._workspace.folder("train"), self._workspace.folder("features")
        widths = widths_of(self.report)
        self._artifact.package(train, features, self._task, self._folder, self.threshold, widths)
        if not wanted.is_watched:
            return {}
        return representation_reference(
            self._artifact, self._folder, self._inputs, self._task, self.rows, self._workspace
        )

    def answers(self) -> tuple[polars.DataFrame, NDArray[numpy.float32]]:
        """The rows of requests and the answers to them. Raises StageFailure unless they are as evaluated."""
        served = self._artifact.answers(self._folder, self._inputs, self.rows, self._task)
        evaluated = polars.read_parquet(self._workspace.path(artifacts.PREDICTIONS))
        require_same_package(self._artifact.files[0], self._task, served, evaluated)
        return request_rows(self.rows, self._inputs, self._task), by_request(served, self._task)

    def contract(self, held: Mapping[str, Column], asked: polars.DataFrame) -> dict[str, Any]:
        """What requests and answers have."""
        collected = self._read(artifacts.ROWS_REPORT)
        found = signature.contract_of(self._task, held, self._inputs, collected, asked, self.threshold)
        return found | signature.with_intervals(found["outputs"], self._intervals)

    def reference(self, answered: NDArray[numpy.float32]) -> dict[str, Any]:
        """What the drift of columns and of predictions is measured against."""
        found = served_reference(self._read(artifacts.FEATURES_REFERENCE))
        return found | {"prediction": prediction_reference(self._task, answered, self.threshold)}

    def background(
        self, wanted: _Wanted, asked: polars.DataFrame, contract: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What explanations compare a row with."""
        made_of = self._features.get("made_of", ())
        return background_of(wanted.explanations, asked, contract["inputs"], self._task, made_of)

    def golden_rows(
        self, asked: polars.DataFrame, answered: NDArray[numpy.float32], contract: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Rows with the answers that a server has to give before it serves."""
        radius = None if self._intervals is None else self._intervals["radius"]
        return golden_rows(asked, contract["inputs"], answered, self._task, self.threshold, radius)


def _threshold(task: Task, report: Mapping[str, Any]) -> Thresholds | None:
    """From which probability on a label is given, as evaluation found it, or each of several."""
    found = report.get("decision", {}).get("threshold")
    return task.thresholds(found) if task.is_multilabel else found


def _require_gates(verdict: Mapping[str, Any]) -> None:
    missed = [gate["reason"] for gate in verdict["gates"] if not gate["passed"]]
    if missed:
        raise StageFailure(
            ExitCode.GATE,
            "the model missed its gates and is not packaged:\n"
            + "\n".join(f"  {reason}" for reason in missed),
            "change the spec, or the gate if it asks for too much, and run again",
        )
