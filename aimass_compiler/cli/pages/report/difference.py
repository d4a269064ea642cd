"""How a model differs from what is released: its metrics, and its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aimass_compiler.cli.pages.blocks import Block, Cell, Grid, StatusSentence, number
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.conventions import SPLITS
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from aimass_compiler.releases.version_record import VersionRecord


def blocks(results: RunResults) -> Iterator[Block]:
    """What a gate measured of both, and for each environment what its version reached in its own time."""
    yield from _candidate(results)
    found = results.document(artifacts.METRICS)
    for environment, compared in found.get("released", {}).items():
        yield _measured(environment, compared)
    package = results.document(artifacts.SERVICE_REPORT).get("version") if results.is_packaged else None
    for environments, record in _released(results):
        if record.package_version == package:
            yield StatusSentence(
                f"{record.name}, which runs in {environments}, is this very package.", "good"
            )
        else:
            yield from _recorded(environments, record, found, results.document(artifacts.BEST))


def _candidate(results: RunResults) -> Iterator[Block]:
    """Of a candidate that `aimass retrain` trained: why, what may be wrong, and each metric and slice."""
    known = results.document(artifacts.CANDIDATE)
    for cause in known.get("causes", ()):
        yield StatusSentence(f"It was trained as a candidate: {cause}")
    for each in known.get("diagnosis", ()):
        yield StatusSentence(f"{each['kind']}: {each['evidence']}", "doubtful")
    compared = results.document(artifacts.COMPARISON)
    if compared.get("obstacle"):
        yield StatusSentence(f"It is not compared: {compared['obstacle']}", "doubtful")
    rows = [_both("all rows", name, each) for name, each in (compared.get("metrics") or {}).items()]
    for column, values in (compared.get("slices") or {}).items():
        if column not in results.personal:
            rows += [_both(f"{column}: {value}", compared["metric"], each) for value, each in values.items()]
    if rows:
        caption = f"The candidate and {compared['version']} on the newest {compared['rows']:,} rows"
        head = ["metric", "of", "released", "candidate", "difference", "95 % interval of the difference"]
        yield Grid(caption, head, rows, frozenset({2, 3, 4, 5}))


def _both(part: str, metric: str, each: Mapping[str, Any]) -> list[Cell]:
    reached = [number(each["released"]), number(each["candidate"])]
    return [metric, part, *reached, _signed(each["difference"]), _ends(each)]


def _measured(environment: str, compared: Mapping[str, Any]) -> Grid:
    rows: list[list[Cell]] = [
        [metric, split, number(each["value"]), _signed(each["difference"]), _ends(each)]
        for split in SPLITS
        for metric, each in compared.get(split, {}).items()
    ]
    where = f" in {environment}" if environment else ""
    caption = f"Against {compared['version']}{where}, asked about the same rows"
    head = ["metric", "split", "released", "difference", "95 % interval of the difference"]
    return Grid(caption, head, rows, frozenset({2, 3, 4}))


def _ends(each: Mapping[str, Any]) -> str:
    known = each.get("low") is not None and each.get("high") is not None
    return f"{_signed(each['low'])} … {_signed(each['high'])}" if known else "–"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.4g}"


def _released(results: RunResults) -> list[tuple[str, VersionRecord]]:
    """Each version that runs somewhere, with where; the environments that share one stand together."""
    from aimass_compiler.delivery.lineage import lineage
    from aimass_compiler.programs import git
    from aimass_compiler.releases.version_record import DamagedRecord

    try:
        versions = lineage(results.root, results.pipeline.path).versions
    except (git.GitError, DamagedRecord):
        return []  # the section of its lineage says so
    running = [
        (", ".join(dict.fromkeys(stay.environment for stay in life.stays if stay.until is None)), life.record)
        for life in versions
    ]
    return [(environments, record) for environments, record in running if environments]


def _recorded(
    environments: str, record: VersionRecord, found: Mapping[str, Any], best: Mapping[str, Any]
) -> Iterator[Grid]:
    before, now = record.metrics.get("test", {}), found.get("test", {})
    rows: list[list[Cell]] = [
        [name, number(before[name]), number(now[name]), _signed(now[name] - before[name])]
        for name in before
        if before[name] is not None and now.get(name) is not None
    ]
    name = f"{record.name}, which runs in {environments}"
    if rows:
        head = ["metric", record.name, "this run", "difference"]
        yield Grid(
            f"Test split, beside {name}: each on the rows of that time", head, rows, frozenset({1, 2, 3})
        )
    ours = {"model": best.get("model"), **best.get("parameters", {})}
    names = dict.fromkeys([*record.parameters, *ours])
    changed = [
        [each, number(record.parameters.get(each)), number(ours.get(each))]
        for each in names
        if record.parameters.get(each) != ours.get(each)
    ]
    if changed:
        yield Grid(
            f"Parameters that differ from those of {name}", ["parameter", record.name, "this run"], changed
        )
