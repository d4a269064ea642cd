"""The fifth stage: join transforms and model into one model.onnx with its contract, reference and card."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import polars

from aimass_compiler import conventions
from aimass_compiler.runtime.packaging import context, graph, parity, signature
from aimass_compiler.runtime.packaging.card import card
from aimass_compiler.runtime.packaging.reference import prediction_reference
from aimass_compiler.runtime.workspace import Workspace, read_json, replacing, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.pipeline import Metadata
    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.task import Task


def run(metadata: Metadata, task: Task, columns: Mapping[str, Column], *, workspace: Workspace) -> None:
    """Write the package, and beside it what its image is built from.

    Raises StageFailure when the joined model answers otherwise than was evaluated.
    """
    features, evaluated = workspace.folder("features"), workspace.folder("evaluate")
    rows = polars.read_parquet(workspace.folder("prepare") / "test.parquet")
    read = read_json(features / "features.json")["inputs"]
    model = _joined(workspace, task)
    served = parity.predict(model, read, rows, task)
    parity.verify(served, polars.read_parquet(evaluated / "predictions.parquet"))
    contract = {
        "format": conventions.PACKAGE_FORMAT,
        "model": metadata.name,
        "version": signature.version_of(model),
        "trained_at": read_json(workspace.folder("train") / "best.json")["trained_at"],
        **signature.contract_of(task, columns, read, rows),
    }
    reference = read_json(features / "reference.json") | {"prediction": prediction_reference(task, served)}
    report = read_json(evaluated / "metrics.json") | read_json(evaluated / "verdict.json")
    model_card = card(metadata, task, columns, contract, report, rows.height)
    folder = workspace.folder("package") / "model"
    folder.mkdir(exist_ok=True)
    reached = {"version": contract["version"], "trained_at": contract["trained_at"], **report}
    write_json(folder.parent / conventions.METRICS_FILE, reached)
    with replacing(folder / conventions.MODEL_FILE) as temporary:
        temporary.write_bytes(model)
    write_json(folder / conventions.SIGNATURE_FILE, contract)
    write_json(folder / conventions.REFERENCE_FILE, reference)
    with replacing(folder / conventions.MODEL_CARD_FILE) as temporary:
        temporary.write_text(model_card, encoding="utf-8")
    context.assemble(workspace)
    told = f"it answers {rows.height:,} test rows as evaluated"
    print(f"version {contract['version']}, {len(model):,} bytes; {told}", flush=True)


def _joined(workspace: Workspace, task: Task) -> bytes:
    features = onnx.load(workspace.folder("features") / "features.onnx")
    model = onnx.load(workspace.folder("train") / "model.onnx")
    joined: bytes = graph.join(features, model, task).SerializeToString(deterministic=True)
    return joined
