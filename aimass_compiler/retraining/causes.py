"""Why a model is to be trained again: the clock, new rows, and what Prometheus knows of drift and quality."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, field

from aimass_compiler.catalog.source import FileSource
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.schedule import last_time
from aimass_compiler.programs import prometheus
from aimass_compiler.programs.dvc_files import dvc_note, tracked_md5
from aimass_compiler.releases import release_file
from aimass_compiler.releases.candidate_ledger import TriedCandidate
from aimass_compiler.releases.version_record import VersionRecord
from aimass_compiler.releases.version_rows import changed_rows
from aimass_compiler.render.monitoring.alerts import DRIFT
from aimass_compiler.render.monitoring.objectives import selector
from aimass_compiler.render.quality.alert_rules import LOW
from aimass_compiler.render.scoring.alert_rules import MOVED
from aimass_compiler.retraining.onset import Onset, onsets

#: The alerts that say so, and by which of their labels the measured things differ.
_ALERTS = {"drift": (f"{DRIFT}|{MOVED}", "feature"), "quality": (LOW, "metric")}


class FoundCause(Struct, frozen=True):
    """One reason, and the evidence for it."""

    kind: str
    """`schedule`, `data`, `drift` or `quality`."""
    text: str
    measured: dict[str, float] = field(default_factory=dict)
    """By column or metric, what was measured."""


class CausesFound(Struct, frozen=True):
    """What was found, what could not be asked, and what sources elsewhere have now."""

    causes: tuple[FoundCause, ...]
    unknown: tuple[str, ...]
    data: dict[str, str]
    rows: str = ""
    """A digest of all rows to learn from; nothing where that cannot be known without reading them."""


class RetrainingContext(Struct, frozen=True):
    """What is known of a model beside its pipeline."""

    root: Path
    newest: VersionRecord | None
    """Its newest version."""
    attempts: Sequence[TriedCandidate]
    """What was tried so far."""
    address: str | None
    """Where Prometheus is asked."""
    now: datetime


def causes(pipeline: Pipeline, known: RetrainingContext) -> CausesFound:
    """All reasons at once: what cannot be asked stops none of the others."""
    first = next(iter(pipeline.environments.values()), None)
    retrain = (first or pipeline).monitoring.retrain
    found, unknown = list(_by_clock(retrain.schedule, known)), list[str]()
    wanted = retrain.on or ()
    data, problems = _elsewhere(pipeline)
    if "data" in wanted:
        unknown += problems
        found += _new_rows(pipeline, known, data)
    for kind in ("drift", "quality"):
        if kind in wanted:
            try:
                found += _alerting(pipeline, kind, known)
            except prometheus.PrometheusError as error:
                unknown.append(f"{kind}: {error}")
    return CausesFound(tuple(found), tuple(unknown), data, _rows(pipeline, known.root, data))


def _by_clock(schedule: str | None, known: RetrainingContext) -> Iterator[FoundCause]:
    """The time of the schedule that came round since the last candidate, or else the newest version."""
    if schedule is None:
        return
    due, last = last_time(schedule, known.now), _last(known)
    if last is None or last < due:
        yield FoundCause("schedule", f"`{schedule}` came round at {due:%Y-%m-%d %H:%M} UTC")


def _last(known: RetrainingContext) -> datetime | None:
    times = [each.time for each in known.attempts]
    times += [known.newest.trained_at] if known.newest else []
    return max(map(utc_time, times), default=None)


def utc_time(text: str) -> datetime:
    """A time of ISO 8601; one without an offset is of UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _new_rows(pipeline: Pipeline, known: RetrainingContext, data: Mapping[str, str]) -> Iterator[FoundCause]:
    if known.newest is not None:
        for path in (*changed_rows(known.root, known.newest), *_changed_files(known.root, known.newest)):
            yield FoundCause("data", f"{path} has other rows than {known.newest.name}")
    before = next((each.data for each in reversed(known.attempts) if each.data), {})
    for name, digest in data.items():
        if before.get(name, digest) != digest:
            yield FoundCause("data", f"{pipeline.data.sources[name].shown} is not what it was")


def _changed_files(root: Path, newest: VersionRecord) -> Iterator[str]:
    """The files of rows that are here, without a note of DVC's, and not those a version was made from."""
    for path, known in sorted(newest.data.items()):
        if dvc_note(root, path) is None and _md5(root, path) not in ("?", known):
            yield path


def _rows(pipeline: Pipeline, root: Path, data: Mapping[str, str]) -> str:
    parts = []
    for name, source in pipeline.data.sources.items():
        paths = source.dependencies()
        if not paths and name not in data:
            return ""
        parts += [data.get(name, ""), *(_md5(root, path) for path in paths)]
    return "" if "?" in parts else hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _md5(root: Path, path: str) -> str:
    """What DVC has on record of a file, or else of what is there; `?` of what is no file."""
    note, file = dvc_note(root, path), root / path
    if note is not None:
        return tracked_md5(note)
    if not file.is_file():
        return "?"
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _elsewhere(pipeline: Pipeline) -> tuple[dict[str, str], list[str]]:
    """A digest of what each source outside of the project has, by names, sizes and times; and what failed."""
    found, problems = dict[str, str](), list[str]()
    for name, source in pipeline.data.sources.items():
        if isinstance(source, FileSource) and not source.is_local:
            try:
                found[name] = _listing(source.path)
            except (OSError, ValueError, ImportError) as error:
                problems.append(f"data: {source.shown} cannot be listed: {str(error).splitlines()[0]}")
    return found, problems


def _listing(url: str) -> str:
    """What an address or a pattern of an object store stands for, without reading it."""
    from pyarrow.fs import FileSelector

    from aimass_compiler.programs.stored_files import opened

    files, pattern = opened(url)
    if not set("*?[") & set(pattern):
        listed = files.get_file_info([pattern])
    else:
        folder = pattern[: min(pattern.find(sign) for sign in "*?[" if sign in pattern)].rpartition("/")[0]
        every = files.get_file_info(FileSelector(folder, recursive=True, allow_not_found=True))
        listed = [each for each in every if each.is_file and fnmatch.fnmatch(each.path, pattern)]
    lines = sorted(f"{each.path} {each.size} {each.mtime_ns}" for each in listed)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def served_environment(root: Path, pipeline: Pipeline) -> str | None:
    """Where the model serves for real: the last environment with a release."""
    order = reversed([*pipeline.environments])
    return next((name for name in order if release_file.file_of(root, name, pipeline.path).is_file()), None)


def _alerting(pipeline: Pipeline, kind: str, known: RetrainingContext) -> Iterator[FoundCause]:
    """What fires where the model serves for real: the last environment with a release."""
    served = served_environment(known.root, pipeline)
    if served is None:
        return
    if known.address is None:
        raise prometheus.PrometheusError("nothing says where Prometheus is")
    namespace, tenant = pipeline.environments[served].namespace, pipeline.settings.prometheus.tenant
    names, label = _ALERTS[kind]
    chosen = selector(pipeline.name, namespace, f'alertname=~"{names}"', 'alertstate="firing"')
    firing = prometheus.ask(known.address, f"ALERTS{chosen}", tenant)
    if not firing:
        return
    parts = sorted({each.labels.get(label, "") for each in firing} - {""})
    measured, since = dict[str, float](), dict[str, Onset]()
    if kind == "drift":
        drift, own = pipeline.environments[served].monitoring.drift, selector(pipeline.name, namespace)
        either = f"{drift.measure.series}{own} or {drift.measure.scoring_series}{own}"
        query = f"max by (feature) ({either})"
        series = prometheus.ask(known.address, query, tenant)
        measured = {each.labels.get(label, ""): each.value for each in series}
        with contextlib.suppress(prometheus.PrometheusError):  # that it drifts is known without its history
            since = onsets(known.address, query, drift.warn, drift.window.seconds, known.now, tenant)
    shown = ", ".join(_shown(part, measured, since) for part in parts)
    what = "moved away from the training data" if kind == "drift" else "was lost"
    alerts = ", ".join(sorted({each.labels.get("alertname", "") for each in firing}))
    yield FoundCause(kind, f"{alerts} fires in {served}: {shown or pipeline.name} {what}", measured)


def _shown(part: str, measured: Mapping[str, float], since: Mapping[str, Onset]) -> str:
    """A column or metric with what was measured, and since when: `age` 0.31 since 2026-05-03 14:00."""
    value = f" {measured[part]:.2f}" if part in measured else ""
    return f"`{part}`{value}{f' {since[part]}' if part in since else ''}"
