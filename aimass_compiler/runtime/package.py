"""The fifth stage: join transforms and model into one model.onnx with its contract, reference and card."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import polars

from aimass_compiler import artifacts, conventions
from aimass_compiler.runtime.packaging import context, graph, parity, signature
from aimass_compiler.runtime.packaging.card import card
from aimass_compiler.runtime.packaging.golden import golden_rows
from aimass_compiler.runtime.packaging.manifest import manifest_of
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
    rows = polars.read_parquet(workspace.path(artifacts.rows("test")))
    read = read_json(workspace.path(artifacts.FEATURES))["inputs"]
    collected = read_json(workspace.path(artifacts.ROWS_REPORT))
    best = read_json(workspace.path(artifacts.BEST))
    model = _joined(workspace, task)
    served = parity.predict(model, read, rows, task)
    parity.verify(task, served, polars.read_parquet(workspace.path(artifacts.PREDICTIONS)))
    contract = {
        "format": conventions.PACKAGE_FORMAT,
        "model": metadata.name,
        "version": signature.version_of(model),
        "trained_at": best["trained_at"],
        **signature.contract_of(task, columns, read, collected, rows),
    }
    features = read_json(workspace.path(artifacts.FEATURES_REFERENCE))
    reference = features | {"prediction": prediction_reference(task, served)}
    report = read_json(workspace.path(artifacts.METRICS)) | read_json(workspace.path(artifacts.VERDICT))
    model_card = card(metadata, task, columns, contract, report, best, rows.height)
    reached = {"version": contract["version"], "trained_at": contract["trained_at"], **report}
    write_json(workspace.path(artifacts.REACHED), reached)
    with replacing(workspace.path(artifacts.PACKAGED_MODEL)) as temporary:
        temporary.write_bytes(model)
    write_json(workspace.path(artifacts.SIGNATURE), contract)
    write_json(workspace.path(artifacts.REFERENCE), reference)
    write_json(workspace.path(artifacts.GOLDEN), golden_rows(rows, contract["inputs"], served, task))
    with replacing(workspace.path(artifacts.MODEL_CARD)) as temporary:
        temporary.write_text(model_card, encoding="utf-8")
    write_json(workspace.path(artifacts.MANIFEST), manifest_of(workspace.folder(artifacts.PACKAGE)))
    context.assemble(workspace)
    told = f"it answers {rows.height:,} test rows as evaluated"
    print(f"version {contract['version']}, {len(model):,} bytes; {told}", flush=True)


def _joined(workspace: Workspace, task: Task) -> bytes:
    features = onnx.load(workspace.path(artifacts.FEATURES_GRAPH))
    model = onnx.load(workspace.path(artifacts.TRAINED_MODEL))
    joined: bytes = graph.join(features, model, task).SerializeToString(deterministic=True)
    return joined
