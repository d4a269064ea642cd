"""What a plan means for each model: changes, stages that run again, what callers notice, and costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.impact.changes import Change, Sign, listed, sentence, value
from aimass_compiler.impact.edits import Act, Edit, edits, once_for_all, shown
from aimass_compiler.impact.models import (
    ChangedModel,
    Normal,
    Places,
    SettledModels,
    differing,
    facts_of,
    is_derived,
    models,
    named,
    origin,
    with_renames,
)
from aimass_compiler.impact.stage_runs import LastRuns, Reading, StageEffect, State, everything_runs, reruns
from aimass_compiler.model_path import owner_of
from aimass_compiler.pipeline.settings import Prices
from aimass_compiler.plan.comparison import Action, FileChange, Plan
from aimass_compiler.spec.yaml.document import Document

if TYPE_CHECKING:
    from aimass_compiler.impact.acceptance import Acceptance
    from aimass_compiler.impact.contract import Breach
    from aimass_compiler.impact.cost import Cost
    from aimass_compiler.impact.deployment import Delivery
    from aimass_compiler.impact.reach import Reach
    from aimass_compiler.impact.release_changes import ReleaseChange, Versions

#: Whose data and results are held against dvc.lock although nothing changes: a plan answers at once.
_MOST_LOOKED_AT = 100
_TRAIN = "train"
_UNTRAINED_FOR_THIS = "is not trained again for this"
_COLUMN_VALUE = ("data", "columns", "NAME", "KEY")
_FEW = 3
#: The keys of a column that only its checks read.
_CHECKED = re.compile(r"data\.columns\..*\.(unit|description|min|max|missing)")


class Effect(Struct, frozen=True):
    """What happens to one model."""

    model: str
    changes: tuple[FileChange, ...]
    """The files that differ."""
    is_new: bool = False
    is_removed: bool = False
    renamed_from: str = ""
    headline: str = ""
    """What happens to it, in a few words."""
    values: tuple[Change, ...] = ()
    """What its values, settings and alerts change."""
    breaches: tuple[Breach, ...] = ()
    stages: tuple[StageEffect, ...] = ()
    is_trained: bool = False
    """Whether it is to be expected that the model is trained again."""
    deliveries: tuple[Delivery, ...] = ()
    """What applying does in each environment."""
    applying: tuple[Change, ...] = ()
    """The same in sentences."""
    cost: Cost | None = None
    notes: tuple[str, ...] = ()
    """What a plan cannot do or see, in sentences."""


class Effects(Struct, frozen=True):
    """A plan and what it means, model by model: the one value that every view draws from."""

    plan: Plan
    models: tuple[Effect, ...] = ()
    against: str | None = None
    """What was compared with, where that is not generated/ on disk."""
    unchanged_models: int = 0
    settled_files: int = 0
    """How many files of them were not looked into."""
    left_out: int = 0
    """How many more models change that are not described."""
    waiting: tuple[Effect, ...] = ()
    """Models that do not change but that a run would train or test again: their data changed, say."""
    releases: tuple[ReleaseChange, ...] = ()
    """What runs elsewhere than before, where two revisions are compared."""
    notes: tuple[str, ...] = ()
    """What is odd about the files by which breaks are accepted."""

    @property
    def of_fleet(self) -> tuple[FileChange, ...]:
        """The files that are made once for all models, and differ."""
        own = f"{conventions.FLEET_FOLDER}/"
        changed = (each for each in self.plan.changes if each.action is not Action.UNCHANGED)
        return tuple(each for each in changed if each.path.startswith(own))

    @property
    def noticed(self) -> tuple[tuple[str, Breach], ...]:
        """Every change of a contract, with its model; what reaches callers now comes first."""
        released = [(change.model, each) for change in self.releases for each in change.breaches]
        found = [(effect.model, each) for effect in self.models for each in effect.breaches]
        return tuple(sorted(dict.fromkeys((*released, *found)), key=lambda pair: pair[1].is_waiting))

    @property
    def breaches(self) -> tuple[tuple[str, Breach], ...]:
        """Those of them that reach callers as soon as this is applied."""
        return tuple((model, each) for model, each in self.noticed if not each.is_waiting)


class _Around(Struct, frozen=True):
    """What is known beside the files."""

    places: Places
    reading: Reading
    prices: Prices | None
    acceptance: Acceptance
    reach: Reach


def effects(
    plan: Plan,
    *,
    root: Path,
    documents: Mapping[str, Document],
    prices: Prices | None = None,
    against: str | None = None,
    allowed: frozenset[str] = frozenset(),
    reach: Reach | None = None,
) -> Effects:
    """All models that change and all that is known of each; `root` is the project's folder.

    `allowed` are rules of the contract that may be broken, as `RULE` or `MODEL:RULE`. `reach` has what is
    released; without it that is what the project releases, and nothing of it changes.
    """
    from aimass_compiler.impact.acceptance import Acceptance
    from aimass_compiler.impact.reach import Reach
    from aimass_compiler.impact.release_changes import Versions, release_changes, releases_on_disk

    changed, unchanged = differing(plan)
    reading, acceptance, versions = Reading(root), Acceptance(root, allowed), Versions(root)
    if reach is None:
        now = releases_on_disk(root)
        reach = Reach(plan.files, now, now)
    found = []
    for model in with_renames(models(plan, changed)):
        places = Places.of(model.name, documents, conventions.SETTINGS_FILE)
        found.append(_described(model, _Around(places, reading, prices, acceptance, reach)))
    waiting = () if against else tuple(_waiting(plan, changed, reading, reach.settled))
    moved = tuple(
        replace(each, breaches=tuple(acceptance.held(each.model, each.breaches)))
        for each in release_changes(reach.before, reach.after, versions, reach.is_canary)
    )
    as_it_is = unchanged + len(reach.settled.models)
    told = Effects(plan, tuple(found), against, as_it_is, waiting=waiting, releases=moved)
    return replace(told, notes=tuple(_of_acceptances(told, acceptance, versions, reach)))


def _of_acceptances(told: Effects, acceptance: Acceptance, versions: Versions, reach: Reach) -> Iterator[str]:
    """Which accepted breaks do not happen, and which files of them cannot be read."""
    from aimass_compiler.impact.acceptance import models_with_acceptances, unused

    for model in models_with_acceptances(acceptance.root):
        happening = [each for effect in told.models if effect.model == model for each in effect.breaches]
        happening += [each for change in told.releases if change.model == model for each in change.breaches]
        facts = facts_of(told.plan.files, model, reach.settled)
        left = unused(
            acceptance.of(model), happening, reach.after, versions, model, facts.contract if facts else None
        )
        for name in left:
            file = f"{conventions.ACCEPTS_FOLDER}/{model}.yaml"
            yield f"{file} accepts `{name}`, which does not happen: remove it"
    yield from acceptance.damaged


def _waiting(
    plan: Plan, changed: Mapping[str, object], reading: Reading, settled: SettledModels
) -> Iterator[Effect]:
    """Models whose files are as they should be, and that a run would nevertheless train or test again."""
    of_teams = plan.of_teams
    names = {owner_of(path, of_teams) for path in plan.files} - {"", conventions.FLEET_FOLDER, *changed}
    every = sorted(names | settled.models)
    ran = list(islice((name for name in every if reading.has_run(name)), _MOST_LOOKED_AT))
    planned = models(plan, dict.fromkeys((name for name in ran if name not in settled.models), ()))
    for model in (*planned, *(settled.model(name) for name in ran if name in settled.models)):
        effect = _by_values(model, last=LastRuns(model.name, model.new_facts, reading))
        if any(stage.state is State.RUNS and not stage.is_always_run for stage in effect.stages):
            yield effect


def _described(model: ChangedModel, around: _Around) -> Effect:
    # Here, because a compile shows an outline, which needs none of them.
    from aimass_compiler.impact import deployment
    from aimass_compiler.impact.cost import model_cost

    last = LastRuns(model.name, model.new_facts, around.reading)
    effect = _by_values(model, around.places, last)
    found = effect.values
    if model.is_kept and model.old_facts and model.new_facts:
        found += tuple(deployment.record_changes(model.old_facts, model.new_facts, around.places))
    applied = deployment.deliveries(model, around.reach)
    applying = deployment.delivery_changes(model.renamed_from or model.name, applied, is_new=effect.is_new)
    return replace(
        effect,
        values=found,
        breaches=tuple(_breaches(model, around)),
        cost=model_cost(model, around.reading.root, around.prices),
        deliveries=applied,
        applying=(*_comes_of_it(effect, around.reach), *applying, *_idle(model, around.reach)),
        notes=(*effect.notes, *_orphaned(model, around.reach)),
    )


def _breaches(model: ChangedModel, around: _Around) -> Iterator[Breach]:
    from aimass_compiler.impact import contract

    released_in = around.reach.before.environments_of(model.renamed_from or model.name)
    for each in around.acceptance.held(model.name, contract.breaches(model, around.places)):
        yield replace(each, is_waiting=contract.is_waiting(each, released_in))


def _comes_of_it(effect: Effect, reach: Reach) -> Iterator[Change]:
    """That a recipe changes no server: what comes of it is a version, which somebody promotes."""
    if not effect.is_trained:
        return
    runs = "what runs stays as it is" if reach.after.environments_of(effect.model) else "nothing runs"
    yield Change(Sign.SAME, f"a new version will be made; {runs} until it is promoted")


def _idle(model: ChangedModel, reach: Reach) -> Iterator[Change]:
    from aimass_compiler.impact.deployment import idle

    if names := idle(model, reach):
        text = f"nothing changes in {listed(names)}, where {model.name} has no release"
        yield Change(Sign.SAME, text, environments=names)


def _orphaned(model: ChangedModel, reach: Reach) -> Iterator[str]:
    from aimass_compiler.impact.reach import orphans

    if folders := orphans(model, reach):
        yield f"no manifests are left for what git releases in {listed(folders)}: remove it there, too"


def _by_values(model: ChangedModel, places: Places | None = None, last: LastRuns | None = None) -> Effect:
    """What follows from its values; `last` are the runs of its stages so far."""
    found, stages = _compared(model, last)
    return Effect(
        model=model.name,
        changes=model.changes,
        is_new=model.new is not None and model.old is None and not _is_unreadable(model),
        is_removed=model.new is None,
        renamed_from=model.renamed_from,
        headline=_headline(model, found, stages, knows_runs=last is not None),
        values=tuple(_changes(model, found, places or Places())),
        stages=stages,
        is_trained=_is_trained(stages),
        notes=model.notes,
    )


def _compared(model: ChangedModel, last: LastRuns | None) -> tuple[list[Edit], tuple[StageEffect, ...]]:
    """What differs, and what runs again because of it."""
    if model.new is None:
        return [], ()
    if _is_unreadable(model):
        return [], everything_runs(model.new, "what it read before is not known")
    if model.old is None or model.renamed_from:
        found = [] if model.old is None else _edits(model.old, model.new)
        return found, everything_runs(model.new)
    found = _edits(model.old, model.new)
    return found, reruns(found, model.new, last)


def _edits(old: Normal, new: Normal) -> list[Edit]:
    return [] if old is new else list(once_for_all(edits(old, new)))


def _changes(model: ChangedModel, found: Sequence[Edit], places: Places) -> Iterator[Change]:
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
        yield Change(sign, text + more, shown(path), edit.before, edit.after, edit.environments, place)


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


def _headline(
    model: ChangedModel, found: Sequence[Edit], stages: Sequence[StageEffect], *, knows_runs: bool
) -> str:
    """What comes of it; where only the recipe was looked at, data may be another reason to train."""
    if model.new is None:
        return "is removed"
    if model.renamed_from:
        return f"is {model.renamed_from} under another name, and trained again under it"
    if model.old is None:
        return "is compiled again" if _is_unreadable(model) else "is new and trained for the first time"
    by_name = {stage.name: stage for stage in stages}
    if by_name[_TRAIN].may_run:
        headline, link = "will be trained again", " because "
        if not _is_trained(stages):
            untrained = "is not trained again" if knows_runs else _UNTRAINED_FOR_THIS
            headline, link = f"{untrained} unless its features come out different", ": "
        why = _why(_causes(by_name), found, model.new)
        return f"{headline}{link}{why}" if why else headline
    if any(stage.name == _TRAIN and stage.may_run for stage in reruns(found, model.new)):
        return "was trained again for this already: dvc.lock has the run"
    again = [stage.name for stage in stages if stage.may_run]
    runs = f"; {listed(again)} {'runs' if len(again) == 1 else 'run'} again" if again else ""
    return f"{'is not trained again' if knows_runs else _UNTRAINED_FOR_THIS}{runs}"


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


def _is_unreadable(model: ChangedModel) -> bool:
    """Whether there was a pipeline that cannot be compared."""
    return model.old is None and bool(model.notes)


def outline(plan: Plan, at_most: int) -> Effects:
    """The first models that change, by their values alone: what fits on a screen, at once."""
    found, unchanged = differing(plan)
    names = sorted(found)[:at_most]
    shown = map(_by_values, with_renames(models(plan, {name: found[name] for name in names})))
    return Effects(plan, tuple(shown), unchanged_models=unchanged, left_out=len(found) - len(names))
