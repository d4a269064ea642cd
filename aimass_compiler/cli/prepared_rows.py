"""What `aimass run` says of rows that were prepared again: what moved since the last run, and a profile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler.conventions import SPLITS
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    import polars

    from aimass_compiler.pipeline import Pipeline

#: So many rows are profiled, evenly apart: more would take longer than they tell.
_PROFILED = 50_000


@dataclass(frozen=True)
class EarlierRows:
    """What is known of the rows of the run before, as of its reference for drift."""

    rows: int
    columns: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> EarlierRows | None:
        """What lies below a model's artifacts before a run; None where it never ran so far."""
        try:
            found = json.loads((folder / artifacts.FEATURES_REFERENCE).read_text(encoding="utf-8"))
            return cls(int(found["rows"]), {**found["inputs"], **found.get("targets", {})})
        except (OSError, ValueError, KeyError, TypeError):
            return None


def change_lines(folder: Path, pipeline: Pipeline, earlier: EarlierRows | None) -> Iterator[str]:
    """The lines for people once rows were prepared; writes changes and profile beside the stages' folders.

    Rows that cannot be read are not told of: the next stage says why.
    """
    import polars

    try:
        if earlier is not None:
            yield from _changes(folder, earlier)
        yield from _profile(folder, pipeline)
    except (OSError, polars.exceptions.PolarsError):
        return


def _changes(folder: Path, earlier: EarlierRows) -> Iterator[str]:
    from aimass_compiler.engines.row_changes import row_changes
    from aimass_compiler.pipeline.diagnosis import diagnoses

    found = row_changes(earlier.columns, earlier.rows, folder / artifacts.rows("train"))
    text = json.dumps(found.document(), indent=2, ensure_ascii=False)
    (folder / artifacts.ROW_CHANGES).write_text(f"{text}\n", encoding="utf-8")
    yield from found.lines()
    for each in diagnoses({}, {}, found.document()):
        yield f"{each.kind}: {each.evidence}; {each.advice}"


def _profile(folder: Path, pipeline: Pipeline) -> Iterator[str]:
    """Write a profile of the prepared rows, and say how to see it."""
    from aimass_compiler.cli.views.profile import document
    from aimass_compiler.engines.local import Local
    from aimass_compiler.engines.table_profile import profile

    with Local() as engine:
        table = engine.table(_some_rows(folder))
        target = next((name for name in pipeline.task.targets if name in table.schema), None)
        found = profile(table, target, {name: each.type for name, each in pipeline.data.columns.items()})
    path = folder / artifacts.PROFILE
    path.write_text(document(pipeline.path, found), encoding="utf-8")
    count = len(found.suspects)
    suspects = f", {count} to look at" if count else ""
    yield f"a profile of them{suspects}: `aimass profile {pipeline.path}`, and in the report"


def _some_rows(folder: Path) -> list[polars.DataFrame | polars.LazyFrame]:
    """The rows of all splits, or of many rows some evenly apart."""
    import polars

    parts = [polars.scan_parquet(folder / artifacts.rows(split), glob=False) for split in SPLITS]
    height = sum(int(part.select(polars.len()).collect().item()) for part in parts)
    step = -(-height // _PROFILED)
    return [part.gather_every(step) if step > 1 else part for part in parts]
