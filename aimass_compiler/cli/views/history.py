"""The versions of a model: a table for people and for Markdown, a document for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from msgspec import to_builtins

from aimass_compiler.cli.views.cells import safe, table
from aimass_compiler.cli.views.changes import fenced
from aimass_compiler.conventions import SPLITS
from aimass_compiler.delivery.lineage import Lineage, VersionLife
from aimass_compiler.delivery.release_history import ReleasePeriod
from aimass_compiler.releases.version_record import VersionRecord

FORMAT = "aimass.history/v1"
_HEAD = ["version", "made", "commit", "metrics", "ran"]
_COMMIT, _HASH, _DAY, _MINUTE = 8, 12, 10, 16
_METRICS = 2


def drawn(found: Lineage, form: str, *, is_detailed: bool = False) -> str:
    """For people, for programs, or as Markdown; in detail, each version with all that is on record of it."""
    if form == "json":
        return _as_json(found)
    lines = [*(_details(found) if is_detailed else _lines(found))]
    return "".join(f"{line}\n" for line in (fenced(lines, "text") if form == "markdown" else lines))


def _lines(found: Lineage) -> Iterator[str]:
    if found.versions:
        yield from table([_HEAD, *(_row(each) for each in reversed(found.versions))], indent="")
    else:
        yield safe(f"no version of {found.model} is on record")
    for life in reversed(found.versions):
        yield from (safe(f"{life.record.name}: {note}") for note in _notes(life))
    for stay in found.strangers:
        image = stay.release.images[stay.release.name].reference
        yield safe(f"note: {_stay(stay)} ran {image}, which is no version on record")


def _row(life: VersionLife) -> list[str]:
    record = life.record
    return [
        record.name,
        record.trained_at[:_DAY],
        record.commit[:_COMMIT],
        _metrics(record),
        ", ".join(map(_stay, life.stays)),
    ]


def _metrics(record: VersionRecord) -> str:
    """The first few of the split by which models are judged: what gates ask for, then others."""
    split = next((name for name in reversed(SPLITS) if record.metrics.get(name)), "")
    reached = record.metrics.get(split, {})
    gated = [name for gate in record.gates if (name := gate.gate.partition(" ")[0]) in reached]
    names = [*dict.fromkeys([*gated, *sorted(reached)])]
    return ", ".join(f"{name} {reached[name]:.4g}" for name in names[:_METRICS])


def _stay(stay: ReleasePeriod) -> str:
    until = stay.until.isoformat()[:_DAY] if stay.until else "now"
    return f"{stay.environment} {stay.since.isoformat()[:_DAY]} – {until}"


def _notes(life: VersionLife) -> Iterator[str]:
    if life.rejection:
        yield f"rejected by {life.rejection.by}: {life.rejection.reason}"
    if life.record.rebased_from:
        yield f"rebased from {life.record.rebased_from}"
    stale = {stay.environment for stay in life.stays if not _is_annotated(life, stay)}
    if stale:
        yield f"annotated as another version in {', '.join(sorted(stale))}"


def _is_annotated(life: VersionLife, stay: ReleasePeriod) -> bool:
    return stay.until is not None or stay.release.version == life.record.name


def _details(found: Lineage) -> Iterator[str]:
    for life in found.versions:
        yield safe(f"{found.model} {life.record.name}")
        for name, values in _facts(life):
            for place, value in enumerate(values):
                yield safe(f"  {name if place == 0 else '':<12}{value}")


def _facts(life: VersionLife) -> Iterator[tuple[str, list[str]]]:
    record = life.record
    made = f" from commit {record.commit}" if record.commit else ""
    yield (
        "made",
        [f"{record.trained_at}{made} with aimass-compiler {record.compiler}", *filter(None, (record.run,))],
    )
    yield "data", [f"{path} {value[:_HASH]}" for path, value in sorted(record.data.items())]
    yield "parameters", [f"{name} {json.dumps(value)}" for name, value in sorted(record.parameters.items())]
    yield (
        "metrics",
        [
            f"{split} {name} {value:.4g}"
            for split, reached in sorted(record.metrics.items())
            for name, value in sorted(reached.items())
        ],
    )
    yield "gates", [f"{gate.gate}: {'passed' if gate.passed else 'missed'}" for gate in record.gates]
    if record.parity:
        yield "parity", [record.parity]
    yield "package", [record.package, record.package_image.reference]
    yield "answers as", [record.package_version]
    yield "image", [record.image.reference if record.image else "never pushed"]
    yield "ran", [_long(stay) for stay in life.stays] or ["nowhere"]
    yield "notes", [*_notes(life)]


def _long(stay: ReleasePeriod) -> str:
    until = stay.until.isoformat()[:_MINUTE] if stay.until else "now"
    since = stay.since.isoformat()[:_MINUTE]
    return f"{stay.environment} from {since} until {until}, by {stay.author} in {stay.commit[:_COMMIT]}"


def _as_json(found: Lineage) -> str:
    document = {
        "format": FORMAT,
        "model": found.model,
        "versions": [_version(each) for each in found.versions],
        "strangers": [_stay_json(each) for each in found.strangers],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _version(life: VersionLife) -> dict[str, Any]:
    return {
        "record": to_builtins(life.record),
        "rejection": to_builtins(life.rejection),
        "ran": [_stay_json(each) for each in life.stays],
    }


def _stay_json(stay: ReleasePeriod) -> dict[str, Any]:
    return {
        "environment": stay.environment,
        "from": stay.since.isoformat(),
        "until": stay.until.isoformat() if stay.until else None,
        "commit": stay.commit,
        "author": stay.author,
        "images": {name: image.reference for name, image in stay.release.images.items()},
        "annotated": stay.release.version or None,
    }
