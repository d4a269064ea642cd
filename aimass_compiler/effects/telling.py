"""What happens to one model by its values: what is told of each, what runs again, and the headline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from aimass_compiler.effects.edits import Act, Edit, edits, shown
from aimass_compiler.effects.environments import told_once
from aimass_compiler.effects.models import Model
from aimass_compiler.effects.normal import Normal, is_derived, named, origin
from aimass_compiler.effects.places import Places
from aimass_compiler.effects.reruns import everything_runs, reruns
from aimass_compiler.effects.sentences import listed, sentence, value
from aimass_compiler.effects.told import Effect, StageEffect, State, Told

if TYPE_CHECKING:
    from aimass_compiler.effects.recorded import LastRuns

_TRAIN = "train"
_COLUMN_VALUE = ("data", "columns", "NAME", "KEY")
_FEW = 3
#: What is said of a column that no transform reads.
_CHECKED = re.compile(r"data\.columns\..*\.(unit|description|min|max|missing)")


def told_by_values(model: Model, places: Places | None = None, last: LastRuns | None = None) -> Effect:
    """What its values say of the model; `last` are the runs of its stages so far."""
    found, stages = _compared(model, last)
    return Effect(
        model=model.name,
        changes=model.changes,
        is_new=model.new is not None and model.old is None and not model.note,
        is_removed=model.new is None,
        renamed_from=model.renamed_from,
        headline=_headline(model, found, stages),
        told=tuple(_told(model, found, places or Places())),
        stages=stages,
        is_trained=_is_trained(stages),
        notes=tuple(_notes(model)),
    )


def _compared(model: Model, last: LastRuns | None) -> tuple[list[Edit], tuple[StageEffect, ...]]:
    """What differs, and what runs again because of it."""
    if model.new is None:
        return [], ()
    if model.note:
        return [], everything_runs("what it read before is not known")
    if model.old is None or model.renamed_from:
        found = [] if model.old is None else _edits(model.old, model.new)
        return found, everything_runs()
    found = _edits(model.old, model.new)
    return found, reruns(found, model.new, last)


def _edits(old: Normal, new: Normal) -> list[Edit]:
    return [] if old is new else list(told_once(edits(old, new)))


def _told(model: Model, found: Sequence[Edit], places: Places) -> Iterator[Told]:
    if model.new is None:
        return
    environments = tuple(named(model.new.get("environments")))
    own = [edit for edit in found if not is_derived(edit.path)]
    if model.renamed_from:
        own = [edit for edit in own if edit.path != ("metadata", "name")]
    for edit, count in _alike(own):
        path = origin(edit.path, model.new)
        sign, text = sentence(replace(edit, path=path), environments, model.new)
        more = f", and in {count - 1} more columns" if count > 1 else ""
        place = places.line(path, is_gone=edit.act is Act.REMOVED)
        yield Told(sign, text + more, shown(path), edit.before, edit.after, edit.environments, place)


def _alike(found: Sequence[Edit]) -> Iterator[tuple[Edit, int]]:
    """The edits, and how many columns in a row have the same one: of many, the first stands for all."""
    for _, group in groupby(found, _of_any_column):
        listed_edits = list(group)
        if len(listed_edits) > _FEW:
            yield listed_edits[0], len(listed_edits)
        else:
            yield from ((edit, 1) for edit in listed_edits)


def _of_any_column(edit: Edit) -> Any:
    """What an edit of a column's value shares with that of another one; of all else, the edit itself."""
    if edit.path[:2] == ("data", "columns") and len(edit.path) == len(_COLUMN_VALUE):
        return edit.path[-1], edit.act, edit.before, edit.after
    return edit


def _is_trained(stages: Sequence[StageEffect]) -> bool:
    by_name = {stage.name: stage for stage in stages}
    return _TRAIN in by_name and by_name[_TRAIN].may_run and not _is_only_checked(by_name)


def _headline(model: Model, found: Sequence[Edit], stages: Sequence[StageEffect]) -> str:
    if model.new is None:
        return "is removed"
    if model.renamed_from:
        return f"is {model.renamed_from} under another name, and trained again under it"
    if model.old is None:
        return "is compiled anew" if model.note else "is new and trained for the first time"
    by_name = {stage.name: stage for stage in stages}
    if by_name[_TRAIN].may_run:
        told, link = "will be trained again", " because "
        if not _is_trained(stages):
            told, link = "is not trained again unless its features come out different", ": "
        why = _why(_causes(by_name), found, model.new)
        return f"{told}{link}{why}" if why else told
    if any(stage.name == _TRAIN and stage.may_run for stage in reruns(found, model.new)):
        return "was trained again for this already: dvc.lock has the run"
    again = [stage.name for stage in stages if stage.may_run]
    runs = f"; {listed(again)} {'runs' if len(again) == 1 else 'run'} again" if again else ""
    return f"is not trained again{runs}"


def _causes(by_name: Mapping[str, StageEffect]) -> list[StageEffect]:
    """The stages that certainly run, and because of which training may."""
    waiting, chain = [_TRAIN], []
    while waiting:
        chain.append(by_name[waiting.pop()])
        waiting += [name for name in chain[-1].follows if by_name[name] not in chain]
    return [stage for stage in by_name.values() if stage in chain and stage.state is State.RUNS]


def _is_only_checked(by_name: Mapping[str, StageEffect]) -> bool:
    """Whether all that changed is what rows are checked by: those that pass are the same as before."""
    if by_name[_TRAIN].state is not State.FOLLOWS:
        return False
    causes = _causes(by_name)
    keys = {key for stage in causes for key in stage.reads}
    return all(stage.reads and not stage.notes for stage in causes) and all(map(_CHECKED.fullmatch, keys))


def _why(causes: Sequence[StageEffect], found: Sequence[Edit], pipeline: Normal) -> str:
    """The first reason why the model is trained again, and how many more there are."""
    keys = dict.fromkeys(key for stage in causes for key in stage.reads)
    reasons = [_reason(key, found, pipeline) for key in keys]
    reasons += dict.fromkeys(note for stage in causes for note in stage.notes)
    reasons += [f"{stage.name} never ran" for stage in causes if stage.is_first]
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}" if reasons else ""


def _reason(key: str, found: Sequence[Edit], pipeline: Normal) -> str:
    for edit in found:
        parts = (edit.before, edit.after)
        is_value = edit.act is Act.CHANGED and not any(
            part in (None, "") or isinstance(part, (list, dict)) for part in parts
        )
        if is_value and shown(origin(edit.path, pipeline)) == key:
            return f"`{key}` changed from {value(edit.before)} to {value(edit.after)}"
    return f"`{key}` changed"


def _notes(model: Model) -> Iterator[str]:
    if model.note:
        yield model.note
