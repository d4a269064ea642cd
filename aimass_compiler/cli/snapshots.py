"""Fetch the rows of sources that lie elsewhere into the project, and tell how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import HintedError
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.fetched_source import FetchedSource
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.project import Project


class NotAnswered(HintedError):  # noqa: N818  # it reads as what is the case
    """The rows of a source cannot be had; the message says why."""

    def __init__(self, message: str, help: str, exit_code: ExitCode) -> None:  # noqa: A002  # the word that findings use
        super().__init__(message, help)
        self.exit_code = exit_code


def fetch_all(project: Project, pipeline: Pipeline) -> int:
    """Fetch the rows of every source of a model that has a snapshot; answers how many these are.

    Raises NotAnswered.
    """
    found = list(_fetched(pipeline))
    for name, source in found:
        _fetch(project, name, source)
    return len(found)


def fetch_missing(project: Project, pipeline: Pipeline) -> None:
    """Fetch what a run lacks: snapshots that are not here and nowhere on record, and those of another query.

    Raises NotAnswered.
    """
    for name, source in _fetched(pipeline):
        path = project.root / source.snapshot_path
        is_on_record = path.with_name(f"{path.name}.dvc").is_file()
        if source.differs_from(path) if path.is_file() else not is_on_record:
            _fetch(project, name, source)


def _fetched(pipeline: Pipeline) -> Iterator[tuple[str, FetchedSource]]:
    from aimass_compiler.catalog.fetched_source import FetchedSource

    for name, source in pipeline.data.sources.items():
        for _, part in source.parts():
            if isinstance(part, FetchedSource):
                yield name, part


def _fetch(project: Project, name: str, source: FetchedSource) -> None:
    from aimass_compiler.atomic_file import replace_file
    from aimass_compiler.catalog.fetched_source import SourceUnreachableError
    from aimass_compiler.catalog.source import UnreadableError

    path = project.root / source.snapshot_path
    try:
        fetched = source.fetched(project.root)
        rows, content = fetched.rows, source.content(fetched.rows)
        has_changed = not path.is_file() or path.read_bytes() != content
        if has_changed:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, content)
    except UnreadableError as error:
        code = ExitCode.DISK if isinstance(error, SourceUnreachableError) else ExitCode.DATA
        raise NotAnswered(f"source `{name}`: {error.message}", error.hint, code) from None
    except OSError as error:
        message = f"{source.snapshot_path} cannot be written: {error.strerror}"
        raise NotAnswered(message, "set that right, then fetch again", ExitCode.DISK) from None
    news = f"in {source.snapshot_path}" if has_changed else "the same as before"
    state = f" of {fetched.of}" if fetched.of else ""
    print(f"`{name}`: {rows.height:,} rows of {rows.width} columns{state}, {news}", flush=True)
    if has_changed:
        print(f"  help: `dvc add {source.snapshot_path}` keeps them on record")
