"""What the stages of a model left, read file by file: what is not there, or cannot be read, is empty."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.stages import artifacts
from aimass_compiler.stages.result_file import read_result

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline


@dataclass(frozen=True)
class RunResults:
    """A model, its project's folder, and below it what its last run left."""

    root: Path
    pipeline: Pipeline
    prometheus: str = ""
    """Where to ask how the model drifts; empty for not at all."""

    @property
    def folder(self) -> Path:
        """Where the stages leave their results."""
        return self.root / conventions.ARTIFACTS_FOLDER / self.pipeline.path

    def document(self, path: str) -> dict[str, Any]:
        """A JSON file below the folder; empty where there is none."""
        return read_result(self.folder / path)

    def rows(self, path: str) -> list[dict[str, str]]:
        """The rows of a table of separated values below the folder; none where there is no such file."""
        try:
            with (self.folder / path).open(encoding="utf-8", newline="") as stream:
                return list(csv.DictReader(stream))
        except (OSError, ValueError, csv.Error):
            return []

    @property
    def personal(self) -> frozenset[str]:
        """The columns marked `pii`, whose values are on no page."""
        return frozenset(
            name for name, column in self.pipeline.data.columns.items() if column.pii is not None
        )

    @property
    def is_packaged(self) -> bool:
        """Whether the package and its test are of the model that was evaluated, and not of an earlier run.

        A run that misses a gate ends before them, and leaves those of the run before.
        """
        reached, verdict = self.document(artifacts.REACHED), self.document(artifacts.VERDICT)
        trained = self.document(artifacts.BEST).get("trained_at")
        return bool(reached) and (reached.get("trained_at"), reached.get("gates")) == (
            trained,
            verdict.get("gates"),
        )
