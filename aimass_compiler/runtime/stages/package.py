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
from aimass_compiler.runtime.packaging.manifest import manifest_of
from aimass_compiler.runtime.packaging.reference import (
    prediction_reference,
    representation_reference,
    served_reference,
)
from aimass_compiler.runtime.parity import require_same_package
from aimass_compiler.runtime.workspace import Workspace, read_json, replacing, replacing_all, write_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    best = read_json(workspace.path(artifacts.BEST))
    rows = polars.read_parquet(workspace.path(artifacts.rows("test")))
    features_read = read_json(workspace.path(artifacts.FEATURES))
    read = request_inputs(features_read["inputs"], task)
    report = read_json(workspace.path(artifacts.METRICS)) | read_json(workspace.path(artifacts.VERDICT))
    threshold, intervals = _threshold(task, report), report.get("prediction_intervals")
    decided = threshold, None if intervals is None else intervals["radius"]
    folder, held = workspace.folder(artifacts.PACKAGE), request_columns(columns, task)
    with replacing_all(folder, artifact.files) as made:
        train, features = workspace.folder("train"), workspace.folder("features")
        artifact.package(train, features, task, made, threshold, widths_of(report))
        watched = {}
        if wanted.is_watched:
            watched = representation_reference(artifact, made, read, task, rows, workspace)
        served = artifact.answers(made, read, rows, task)
        evaluated = polars.read_parquet(workspace.path(artifacts.PREDICTIONS))
        require_same_package(artifact.files[0], task, served, evaluated)
        asked, answered = request_rows(rows, read, task), by_request(served, task)
        known = {"version": artifact.version(made), "trained_at": best["trained_at"]}
        collected = read_json(workspace.path(artifacts.ROWS_REPORT))
        contract = {"format": artifact.package_format, "model": name, **known}
        contract |= signature.contract_of(task, held, read, collected, asked, threshold)
        contract |= signature.with_intervals(contract["outputs"], intervals)
        possible: dict[str, Callable[[], dict[str, Any]]] = {
            artifacts.SIGNATURE: lambda: contract,
            artifacts.REFERENCE: lambda: (
                served_reference(read_json(workspace.path(artifacts.FEATURES_REFERENCE)))
                | {"prediction": prediction_reference(task, answered, threshold)}
                | watched
                | background_of(
                    wanted.explanations, asked, contract["inputs"], task, features_read.get("made_of", ())
                )
            ),
            artifacts.GOLDEN: lambda: golden_rows(asked, contract["inputs"], answered, task, *decided),
            artifacts.REACHED: lambda: known | report,
        }
        documents = {path: possible[path]() for path in artifact.places(possible)}
        model_card = card(name, task, held, contract, report, best, rows.height)
    _write(documents, model_card, workspace)
    made_of = f"version {known['version']}, {artifact.size(folder):,} bytes"
    print(f"{made_of}; it answers {rows.height:,} test rows as evaluated", flush=True)


def _threshold(task: Task, report: Mapping[str, Any]) -> Thresholds | None:
    """From which probability on a label is given, as evaluation found it, or each of several."""
    found = report.get("decision", {}).get("threshold")
    return task.thresholds(found) if task.is_multilabel else found


def _write(documents: Mapping[str, Mapping[str, Any]], model_card: str, workspace: Workspace) -> None:
    """Write what says what the package is; the manifest comes last, because it lists all of it."""
    for path, document in documents.items():
        write_json(workspace.path(path), document)
    with replacing(workspace.path(artifacts.MODEL_CARD)) as temporary:
        temporary.write_text(model_card, encoding="utf-8")
    write_json(workspace.path(artifacts.MANIFEST), manifest_of(workspace.folder(artifacts.PACKAGE)))


def _require_gates(verdict: Mapping[str, Any]) -> None:
    missed = [gate["reason"] for gate in verdict["gates"] if not gate["passed"]]
    if missed:
        raise StageFailure(
            ExitCode.GATE,
            "the model missed its gates and is not packaged:\n"
            + "\n".join(f"  {reason}" for reason in missed),
            "change the spec, or the gate if it asks for too much, and run again",
        )
