"""Which stages run again and why: by what changed, and by their last runs in dvc.lock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.conflict_markers import is_conflicted, without_stages_in_conflict
from aimass_compiler.diagnostics import Path as KeyPath
from aimass_compiler.impact.edits import Edit, edits, shown
from aimass_compiler.impact.models import Normal, at, mapping, origin
from aimass_compiler.programs.dvc_files import DVC_SUFFIX, dvc_note
from aimass_compiler.render.facts import Resolved
from aimass_compiler.stages import Stage, stages_of

#: A plan answers at once: so many bytes are hashed for it, and what is left is not looked at.
_MOST_BYTES = 256 * 2**20
_CHUNK = 2**20
#: What may be an alias; in quotes it is none.
_ALIAS_LIKE = rb"[\s\[{,:-]\*[\w-]"
_FEW = 3


class State(StrEnum):
    """Whether a stage runs the next time, and how sure that is."""

    RUNS = "runs"
    """It runs: something that it reads changed."""
    FOLLOWS = "follows"
    """It runs when a stage before it leaves something else than the last time."""
    CACHED = "cached"
    """It does not run: dvc.lock has this run, and the files are as it left them."""
    RECORDED = "recorded"
    """dvc.lock has this run; the files are not here, or too large to be read for a plan."""
    UNAFFECTED = "unaffected"
    """It reads nothing that changes; whether it ran at all is not known without a dvc.lock."""


class StageEffect(Struct, frozen=True):
    """One stage, and why it runs again or does not."""

    name: str
    state: State
    reads: tuple[str, ...] = ()
    """The values that it reads and that differ, as people write them."""
    follows: tuple[str, ...] = ()
    """The stages before it that run again."""
    notes: tuple[str, ...] = ()
    """Other reasons and limits, in sentences."""

    is_first: bool = False
    """Whether it never ran before."""
    is_always_run: bool = False
    """Whether it runs each time because DVC cannot watch all that it reads, and for no other reason."""

    @property
    def may_run(self) -> bool:
        return self.state in (State.RUNS, State.FOLLOWS)


class Reasons(Struct, frozen=True):
    """Why one stage would run of its own, and what is not known of it."""

    reads: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    otherwise: State = State.UNAFFECTED
    """Its state where none of this makes it run."""
    runs: bool = False
    is_first: bool = False
    """Whether there is no run before."""


def keys_of(paths: Iterable[KeyPath], pipeline: Normal) -> tuple[str, ...]:
    """The values at these paths as the spec names them, each once."""
    return tuple(dict.fromkeys(shown(origin(path, pipeline)) for path in paths))


def reruns(
    differing: Sequence[Edit], pipeline: Normal, last: LastRuns | None = None
) -> tuple[StageEffect, ...]:
    """The stages in their order; `differing` are the edits since the compiled pipeline before.

    With the `last` runs at hand these are asked; else only what differs counts.
    """
    found: list[StageEffect] = []
    remade: dict[str, str] = {}
    for stage in _stages(pipeline):
        reasons = (
            last.reasons(stage, pipeline) if last and last.are_known else _changed(stage, differing, pipeline)
        )
        follows = tuple(dict.fromkeys(remade[path] for path in stage.needs if path in remade))
        effect = _effect(stage, reasons, follows, always=last is not None and last.is_always_run(stage))
        found.append(effect)
        if effect.may_run:
            remade |= dict.fromkeys((*stage.leaves, *stage.metrics), stage.name)
    return tuple(found)


def everything_runs(pipeline: Normal, *notes: str) -> tuple[StageEffect, ...]:
    """All stages, each for the first time under this name, or for the reason in the notes."""
    stages = _stages(pipeline)
    return tuple(StageEffect(stage.name, State.RUNS, notes=notes, is_first=not notes) for stage in stages)


def _stages(pipeline: Normal) -> tuple[Stage, ...]:
    into = str(at(pipeline, "scoring.into") or "://")
    watches = bool(at(pipeline, "monitoring.drift.representation"))
    return stages_of(repeats="repetition" in pipeline, scores="://" not in into, watches=watches)


def _effect(stage: Stage, reasons: Reasons, follows: tuple[str, ...], *, always: bool) -> StageEffect:
    notes = reasons.notes
    if always:
        notes = (*notes, "DVC cannot watch all that is read")
    if reasons.runs or always:
        only = not reasons.runs
        first = reasons.is_first
        return StageEffect(stage.name, State.RUNS, reasons.reads, follows, notes, first, is_always_run=only)
    if follows:
        return StageEffect(stage.name, State.FOLLOWS, follows=follows)
    return StageEffect(stage.name, reasons.otherwise, notes=notes)


def _changed(stage: Stage, found: Iterable[Edit], pipeline: Normal) -> Reasons:
    """What it reads of what differs."""
    reads = keys_of((edit.path for edit in found if _is_read(edit.path, stage)), pipeline)
    return Reasons(reads, runs=bool(reads))


def _is_read(path: KeyPath, stage: Stage) -> bool:
    parts = (tuple(part.split(".")) for part in stage.reads)
    return any(path[: len(part)] == part or part[: len(path)] == path for part in parts)


class FileState(StrEnum):
    """A file against what dvc.lock says of it."""

    SAME = "same"
    OTHER = "other"
    MISSING = "missing"
    UNREAD = "unread"
    """Too large for a plan, a folder, or hashed in a way of older DVCs."""


class Run(Struct, frozen=True):
    """How a stage last ran: its command, the values that it read, and its files."""

    command: str
    values: Mapping[str, Any]
    """By dotted keys of pipeline.json."""
    needed: tuple[Mapping[str, Any], ...]
    left: tuple[Mapping[str, Any], ...]


@cache
def _yaml12() -> Any:
    """The loader that reads scalars as YAML 1.2 does, as DVC writes: `no` is a word and 1e-05 a number."""

    class Yaml12(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # either is a loader
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # pyyaml's own name and type

    for tag, pattern, first in (
        ("bool", r"true|false", "tf"),
        ("null", r"null|~|", ("n", "~", "")),
        ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
        ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ):
        Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))
    return Yaml12


class Reading(Struct):
    """What is on disk of one project, read within bounds."""

    root: Path
    left: int = _MOST_BYTES

    def has_run(self, model: str) -> bool:
        """Whether DVC ran any stage of a model here."""
        return self._lock(model).is_file()

    def _lock(self, model: str) -> Path:
        return self.root / conventions.GENERATED_FOLDER / model / conventions.DVC_LOCK

    def record(self, model: str) -> Mapping[str, Run] | None:
        """The last run of each stage; None where there is no dvc.lock, or none that can be read."""
        try:
            content = self._lock(model).read_bytes()
            if is_conflicted(content):
                content, _ = without_stages_in_conflict(content)
            if _repeats(content):
                return None
            document = yaml.load(content, _yaml12())  # noqa: S506  # a safe loader
        except (OSError, yaml.YAMLError, ValueError, RecursionError):
            return None
        stages = mapping(mapping(document).get("stages"))
        return {name: _run(stage) for name, stage in stages.items() if isinstance(stage, Mapping)}

    def tracked(self, path: str) -> tuple[str, bytes] | None:
        """The .dvc file of a data file of the project, and what it holds; None where there is none."""
        note = dvc_note(self.root, path)
        return None if note is None else (f"{path}{DVC_SUFFIX}", note)

    def seen(self, entry: Mapping[str, Any]) -> FileState:
        """One file of dvc.lock against the disk."""
        path = self.root / str(entry.get("path", ""))
        try:
            size = path.stat().st_size
        except OSError:
            return FileState.MISSING
        if path.is_dir() or entry.get("hash") != "md5":
            return FileState.UNREAD
        if entry.get("size") != size:
            return FileState.OTHER
        if size > self.left:
            return FileState.UNREAD
        self.left -= size
        return FileState.SAME if _md5(path) == entry.get("md5") else FileState.OTHER

    def worst(self, entries: Iterable[Mapping[str, Any]]) -> dict[FileState, list[str]]:
        """The files that are not as they were, by what they are instead."""
        found: dict[FileState, list[str]] = {}
        for entry in entries:
            if (seen := self.seen(entry)) is not FileState.SAME:
                found.setdefault(seen, []).append(str(entry.get("path", "")))
        return found


def _repeats(content: bytes) -> bool:
    """Whether there are aliases: a few can stand for billions of values."""
    if re.search(_ALIAS_LIKE, content) is None:
        return False
    try:
        return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(content, _yaml12()))
    except (yaml.YAMLError, ValueError):
        return True


def _run(stage: Mapping[str, Any]) -> Run:
    values: dict[str, Any] = {}
    for of_file in mapping(stage.get("params")).values():
        values |= mapping(of_file)
    return Run(str(stage.get("cmd", "")), values, _entries(stage, "deps"), _entries(stage, "outs"))


def _entries(stage: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...]:
    listed = stage.get(name)
    return tuple(entry for entry in listed if isinstance(entry, Mapping)) if isinstance(listed, list) else ()


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)  # what DVC tells files apart by
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()


class LastRuns:
    """The last runs of one model's stages, held against what its files say now."""

    def __init__(self, model: str, facts: Resolved | None, reading: Reading) -> None:
        self._declared = facts.stages if facts else {}
        self._record = reading.record(model)
        self._reading = reading

    @property
    def are_known(self) -> bool:
        """Whether there is a dvc.lock."""
        return self._record is not None

    def is_always_run(self, stage: Stage) -> bool:
        """Whether DVC runs the stage each time, because it reads what cannot be watched."""
        return stage.name in self._declared and self._declared[stage.name].is_always_run

    def reasons(self, stage: Stage, pipeline: Normal) -> Reasons:
        """What is another than when the stage last ran."""
        run = (self._record or {}).get(stage.name)
        if run is None:
            return Reasons(runs=True, is_first=True)
        differing = [
            edit
            for part in stage.reads
            for edit in edits(run.values.get(part), at(pipeline, part), tuple(part.split(".")))
        ]
        reads = keys_of((edit.path for edit in differing), pipeline)
        needed = self._reading.worst(entry for entry in run.needed if not _is_left_by_a_stage(entry))
        notes = tuple(self._notes(stage, run, needed))
        if reads or notes:
            return Reasons(reads, notes, runs=True)
        return _up_to_date(needed, self._reading.worst((*run.needed, *run.left)))

    def _notes(self, stage: Stage, run: Run, needed: Mapping[FileState, list[str]]) -> Iterator[str]:
        declared = self._declared.get(stage.name)
        if declared is not None and declared.command != run.command:
            yield "another command than the last time"
        if changed := needed.get(FileState.OTHER):
            yield f"{_few(changed)} changed since the last run"


def _up_to_date(needed: Mapping[FileState, list[str]], everything: Mapping[FileState, list[str]]) -> Reasons:
    """How sure it is that a stage whose values are those of its last run need not run."""
    if changed := everything.get(FileState.OTHER):
        return Reasons(notes=(f"{_few(changed)} changed since the last run",), runs=True)
    if not everything:
        return Reasons(otherwise=State.CACHED)
    if missing := needed.get(FileState.MISSING):
        note = f"{_few(missing)} is not here"
    elif missing := everything.get(FileState.MISSING):
        note = f"{_few(missing)} is not here; DVC takes it from its cache where that has it"
    else:
        note = f"{_few(everything[FileState.UNREAD])} was not read for this plan"
    return Reasons(notes=(note,), otherwise=State.RECORDED)


def _is_left_by_a_stage(entry: Mapping[str, Any]) -> bool:
    return str(entry.get("path", "")).startswith(f"{conventions.ARTIFACTS_FOLDER}/")


def _few(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _FEW} more" if len(paths) > _FEW else ""
    return f"{', '.join(paths[:_FEW])}{more}"
