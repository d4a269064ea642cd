"""Where a model comes from: commit, data by their hashes, libraries; and which versions ran where."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler import conventions
from aimass_compiler.cli.pages.blocks import Block, Cell, Grid, Pairs, StatusSentence, StatusText, number
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts

_DAY, _COMMIT = 10, 12


def blocks(results: RunResults) -> Iterator[Block]:
    """Of the run that is here, then of the versions that git has."""
    yield from _run(results)
    yield from _versions(results)


def _run(results: RunResults) -> Iterator[Block]:
    from aimass_compiler.programs.dvc_files import NoRun, recorded_run

    best = results.document(artifacts.BEST)
    yield Pairs([*_commit(results), *_parameters(best)])
    lock = results.root / conventions.GENERATED_FOLDER / results.pipeline.path / conventions.DVC_LOCK
    try:
        read = recorded_run(lock).read()
    except NoRun:
        read = {}
    if read:
        rows = [[path, digest] for path, digest in sorted(read.items())]
        yield Grid("Files that its stages read, by the hashes of DVC", ["file", "hash"], rows)
    if libraries := best.get("libraries"):
        rows = [[name, version] for name, version in sorted(libraries.items())]
        yield Grid("Libraries that trained it", ["library", "version"], rows, is_folded=True)


def _commit(results: RunResults) -> Iterator[tuple[str, Cell]]:
    from aimass_compiler.programs import git

    try:
        commit = git.head(results.root)
    except git.GitError:
        return
    if commit:
        yield "commit", commit[:_COMMIT]


def _parameters(best: dict[str, object]) -> Iterator[tuple[str, Cell]]:
    parameters = best.get("parameters")
    if isinstance(parameters, dict):
        for name, value in parameters.items():
            yield name, number(value)


def _versions(results: RunResults) -> Iterator[Block]:
    from aimass_compiler.delivery.lineage import lineage
    from aimass_compiler.programs import git
    from aimass_compiler.releases.version_record import DamagedRecord

    try:
        found = lineage(results.root, results.pipeline.path)
    except (git.GitError, DamagedRecord) as error:
        yield StatusSentence(f"Its versions cannot be read: {error}", "doubtful")
        return
    metric = results.pipeline.objective.metric
    rows: list[list[Cell]] = []
    for life in reversed(found.versions):
        record = life.record
        ran = "; ".join(
            f"{stay.environment} {stay.since.date()} – {stay.until.date() if stay.until else 'now'}"
            for stay in life.stays
        )
        became: Cell = (
            StatusText(f"rejected: {life.rejection.reason}", "bad") if life.rejection else ran or "–"
        )
        reached = number(record.metrics.get("test", {}).get(metric))
        rows.append([record.name, record.trained_at[:_DAY], record.commit[:_COMMIT] or "–", reached, became])
    if rows:
        yield Grid(
            "Versions, the newest first",
            ["version", "trained", "commit", metric, "ran"],
            rows,
            frozenset({3}),
        )
