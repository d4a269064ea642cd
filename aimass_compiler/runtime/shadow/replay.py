"""A package's answers to recorded inputs, in the form of records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars

from aimass_compiler import conventions
from aimass_compiler.catalog.artifacts._tensors import pack
from aimass_compiler.runtime.scoring.row_contract import sorted_rows
from aimass_compiler.runtime.scoring.scored_rows import answered
from aimass_compiler.runtime.server.model import OnnxModel
from aimass_compiler.runtime.server.package import read_package

if TYPE_CHECKING:
    from pathlib import Path

_INPUT = "input_"


class NotRecorded(Exception):  # noqa: N818  # it reads as what is the case
    """Records lack what the model reads, or have its hash; the message says which column."""


def replayed(folder: Path, records: polars.DataFrame) -> polars.DataFrame:
    """The records that the package can answer, with its outputs in the place of theirs.

    Raises NotRecorded, and ServerFailure where the package is damaged.
    """
    package = read_package(folder)
    signature = package.signature
    for field in signature.fields:
        if field.pii is not None or f"{_INPUT}{field.name}" not in records.columns:
            raise NotRecorded(f"records do not have `{field.name}` as the model reads it")
    inputs = records.select(polars.col(f"{_INPUT}{each.name}").alias(each.name) for each in signature.fields)
    rows = sorted_rows(inputs, signature)
    kept = records[rows.places].select(polars.exclude("^output_.*$"))
    if not kept.height:
        return kept
    tensors = pack(rows.accepted, json.loads((folder / conventions.SIGNATURE_FILE).read_bytes())["inputs"])
    outputs = answered(signature, OnnxModel(package, threads=0).run(tensors))
    if conventions.PROBABILITIES_OUTPUT in outputs.columns:
        outputs = outputs.with_columns(
            polars.col(conventions.PROBABILITIES_OUTPUT).struct.field(label).alias(f"probability_{label}")
            for label in signature.labels
        )
    return kept.hstack(outputs.rename(lambda name: f"output_{name}"))
