"""One block of a table: held to the contract, predicted, and written as a part that says what it holds.

A part is called after its first row and a digest of its rows and of the model, so that a run which was killed
finds what it had done, and another model or other rows are never taken for it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars
from msgspec import Struct

from aimass_compiler.catalog.artifacts._tensors import pack
from aimass_compiler.conventions import SIGNATURE_FILE
from aimass_compiler.programs.stored_files import StoreError
from aimass_compiler.runtime.scoring.row_contract import COLUMN, REASON, refused_for, sorted_rows
from aimass_compiler.runtime.scoring.score_folder import FACTS, REJECTS, score_folder
from aimass_compiler.runtime.scoring.scored_rows import ROW, VERSION, answered, is_finite, watched
from aimass_compiler.runtime.server.array_drift import measured
from aimass_compiler.runtime.server.drift import PREDICTION, DriftMonitor, watched_of
from aimass_compiler.runtime.server.model import ContractModel, OnnxModel, verify_golden_rows
from aimass_compiler.runtime.server.package import read_package

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.runtime.scoring.score_folder import ScoreFolder
    from aimass_compiler.runtime.server.package import Package

_DIGITS = 12
_FOREVER = 1e9


class PartFacts(Struct, frozen=True):
    """What is known of a part."""

    name: str
    rows: int
    refused: dict[str, int]
    """How many rows are not predicted, by the column that broke the contract."""
    rejects: str
    """The file that has them; nothing where there are none."""
    drift: list[int]
    """How many rows are in each bin of the reference."""
    is_new: bool
    """Whether it was made now, and not before this run was killed."""
    example: str = ""
    """Of a refused row, why."""


class TableScorer:
    """A function of a block that leaves a part; with Ray it goes to workers, and loads the model there."""

    def __init__(self, package: Path, key: tuple[str, ...], place: str, root: Path) -> None:
        self._folder, self._key, self._place, self._root = package, key, place, root
        self._there = score_folder(place, root).names()

    def __getstate__(self) -> dict[str, Any]:
        """Without what was loaded."""
        own = ("_folder", "_key", "_place", "_root", "_there")
        return {name: self.__dict__[name] for name in own}

    @cached_property
    def package(self) -> Package:
        """What the model is; raises ServerFailure where it is damaged."""
        return read_package(self._folder)

    @cached_property
    def _model(self) -> OnnxModel:
        """The model, once it has answered the golden rows as it was evaluated."""
        model = OnnxModel(self.package, os.cpu_count() or 1)
        verify_golden_rows(self.package, ContractModel(self.package.signature, model))
        return model

    @cached_property
    def _scores(self) -> ScoreFolder:
        return score_folder(self._place, self._root)

    def __call__(self, block: polars.DataFrame) -> PartFacts:
        """Score a block with the numbers of its rows; what was done before is not done again."""
        name = self._name(block)
        if name in self._there:
            try:
                found = self._scores.facts(name)
                return PartFacts(**found, name=name, is_new=False)
            except (StoreError, OSError, ValueError, KeyError, TypeError, polars.exceptions.PolarsError):
                pass  # half of a part is none: it is made again
        return self._scored(name, block)

    def _scored(self, name: str, block: polars.DataFrame) -> PartFacts:
        signature = self.package.signature
        rows = sorted_rows(block, signature)
        refused, places = rows.refused, rows.places
        inputs = json.loads((self._folder / SIGNATURE_FILE).read_bytes())["inputs"]
        tensors = pack(rows.accepted, inputs) if len(places) else {}
        outputs = self._model.run(tensors) if len(places) else {}
        if len(places) and not (finite := is_finite(signature, outputs)).all():
            kept = polars.Series(finite)
            refused = polars.concat(
                [refused, refused_for(places.filter(~kept), "the prediction is not finite")]
            )
            places = places.filter(kept)
            tensors = {key: tensor[finite] for key, tensor in tensors.items()}
            outputs = {key: tensor[finite] for key, tensor in outputs.items()}
        rejects = self._rejects(name, block, refused.sort("place"))
        counts = refused.group_by(COLUMN).len().sort(COLUMN).rows()
        facts: dict[str, Any] = {
            "rows": block.height,
            "refused": dict(counts),
            "rejects": rejects,
            "drift": self._drift(tensors, outputs) if len(places) else [],
            "example": _first(refused),
        }
        if len(places):
            beside = self._beside(block[places])
            found = polars.concat([beside, answered(signature, outputs)], how="horizontal")
        else:
            found = self._beside(block.clear())
        self._scores.write(name, as_parquet(found, {FACTS: json.dumps(facts, ensure_ascii=False)}))
        return PartFacts(**facts, name=name, is_new=True)

    def _beside(self, block: polars.DataFrame) -> polars.DataFrame:
        """What names a row, and what predicted it."""
        names = self._key or (ROW,)
        version = polars.lit(self.package.signature.version).alias(VERSION)
        return block.select(polars.selectors.by_name(*names)).with_columns(version)

    def _rejects(self, name: str, block: polars.DataFrame, refused: polars.DataFrame) -> str:
        """Keep the rows that are not predicted as they are, with the reasons; answers the file."""
        if not refused.height:
            return ""
        file = f"{REJECTS}/{name}"
        rows = polars.concat([block[refused["place"]], refused.drop("place")], how="horizontal")
        self._scores.write(file, as_parquet(rows, {}))
        return file

    def _drift(self, tensors: Mapping[str, Any], outputs: Mapping[str, Any]) -> list[int]:
        monitor = DriftMonitor(self.package.reference, self.package.signature, _FOREVER)
        numbers = measured(self.package.signature.images, tensors)
        answers = watched(self.package.signature, outputs)
        monitor.observe([{**tensors, **numbers, **watched_of(outputs), PREDICTION: answers}])
        return monitor.counts()

    def _name(self, block: polars.DataFrame) -> str:
        """Of a block, by its first row, all of its rows, the model, and what stands beside predictions."""
        found = hashlib.sha256(f"{self.package.signature.version} {self._key}".encode())
        stream = io.BytesIO()
        block.write_ipc(stream, compression="uncompressed")
        found.update(stream.getbuffer())
        start = int(block[ROW][0]) if block.height else 0
        return f"part-{start:0{_DIGITS}}-{found.hexdigest()[:_DIGITS]}.parquet"


def _first(refused: polars.DataFrame) -> str:
    """Of the first refused row, the column and the reason."""
    if not refused.height:
        return ""
    first = refused.sort("place").row(0, named=True)
    return f"`{first[COLUMN]}` {first[REASON]}" if first[COLUMN] else str(first[REASON])


def as_parquet(rows: polars.DataFrame, facts: Mapping[str, str]) -> bytes:
    """Rows as one Parquet file that says something of itself."""
    stream = io.BytesIO()
    rows.write_parquet(stream, metadata=dict(facts))
    return stream.getvalue()
