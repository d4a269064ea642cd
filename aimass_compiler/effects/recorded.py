"""Which stages need not run by dvc.lock, and why the others must."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.effects.edits import edits
from aimass_compiler.effects.normal import Normal, at, mapping
from aimass_compiler.effects.objects import yaml_document
from aimass_compiler.effects.reasons import Reasons, keys_of
from aimass_compiler.effects.record import Reading, Run, Seen
from aimass_compiler.effects.told import State
from aimass_compiler.plan import Files
from aimass_compiler.stages import Stage

_FEW = 3


class LastRuns:
    """The last runs of one model's stages, held against what its files say now."""

    def __init__(self, model: str, files: Files, reading: Reading) -> None:
        content = files.get(conventions.DVC_FILE)
        self._declared = mapping(yaml_document(content).get("stages")) if content else {}
        self._record = reading.record(model)
        self._reading = reading

    @property
    def are_known(self) -> bool:
        """Whether there is a dvc.lock."""
        return self._record is not None

    def is_always_run(self, stage: Stage) -> bool:
        """Whether DVC runs the stage each time, because it reads what cannot be watched."""
        return bool(mapping(self._declared.get(stage.name)).get("always_changed"))

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

    def _notes(self, stage: Stage, run: Run, needed: Mapping[Seen, list[str]]) -> Iterator[str]:
        if mapping(self._declared.get(stage.name)).get("cmd") != run.command:
            yield "another command than the last time"
        if changed := needed.get(Seen.OTHER):
            yield f"{_few(changed)} changed since the last run"


def _up_to_date(needed: Mapping[Seen, list[str]], everything: Mapping[Seen, list[str]]) -> Reasons:
    """How sure it is that a stage whose values are those of its last run need not run."""
    if changed := everything.get(Seen.OTHER):
        return Reasons(notes=(f"{_few(changed)} changed since the last run",), runs=True)
    if not everything:
        return Reasons(otherwise=State.CACHED)
    if missing := needed.get(Seen.MISSING):
        note = f"{_few(missing)} is not here"
    elif missing := everything.get(Seen.MISSING):
        note = f"{_few(missing)} is not here; DVC takes it from its cache where that has it"
    else:
        note = f"{_few(everything[Seen.UNREAD])} was not read for this plan"
    return Reasons(notes=(note,), otherwise=State.RECORDED)


def _is_left_by_a_stage(entry: Mapping[str, Any]) -> bool:
    return str(entry.get("path", "")).startswith(f"{conventions.ARTIFACTS_FOLDER}/")


def _few(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _FEW} more" if len(paths) > _FEW else ""
    return f"{', '.join(paths[:_FEW])}{more}"
