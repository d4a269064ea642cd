"""What a plan means for the models, and all that is known of it: runs, alerts, contract and cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.effects.alerts import alert_changes
from aimass_compiler.effects.contract import GONE, address_breaches, breach, breaches
from aimass_compiler.effects.cost import Cost, estimate, last_search
from aimass_compiler.effects.deliveries import Reach, deliveries, told_deliveries
from aimass_compiler.effects.images import IMAGE_PARTS, OF_LOCK, image_changes, made_anew
from aimass_compiler.effects.models import Model, differing, models
from aimass_compiler.effects.normal import mapping
from aimass_compiler.effects.places import Places
from aimass_compiler.effects.record import Reading
from aimass_compiler.effects.recorded import LastRuns
from aimass_compiler.effects.renames import with_renames
from aimass_compiler.effects.settings import setting_changes
from aimass_compiler.effects.telling import told_by_values
from aimass_compiler.effects.told import Breach, Effect, Effects, State
from aimass_compiler.pipeline.settings import Prices
from aimass_compiler.plan import Plan
from aimass_compiler.plan.names import model_folder
from aimass_compiler.spec.document import Document

#: Whose data and results are held against dvc.lock although nothing changes: a plan answers at once.
_MOST_LOOKED_AT = 100


@dataclass(frozen=True)
class _Around:
    """What is known beside the files."""

    places: Places
    reading: Reading
    prices: Prices | None
    allowed: frozenset[str]
    reach: Reach


def effects(
    plan: Plan,
    *,
    root: Path,
    documents: Mapping[str, Document],
    prices: Prices | None = None,
    against: str | None = None,
    allowed: frozenset[str] = frozenset(),
    has_address: bool = True,
) -> Effects:
    """All models that change and all that is known of each; `root` is the project's folder.

    `allowed` are rules of the contract that may be broken, as `RULE` or `MODEL:RULE`. `has_address` says
    whether the repository has a remote, by which its models are known in a cluster.
    """
    changed, unchanged = differing(plan)
    reading = Reading(root)
    reach = Reach.of(plan.files, is_known=has_address)
    found = []
    for model in with_renames(models(plan, changed)):
        places = Places.of(model.name, documents, conventions.SETTINGS_FILE)
        found.append(_described(model, _Around(places, reading, prices, allowed, reach)))
    waiting = () if against else tuple(_waiting(plan, changed, reading))
    return Effects(plan, tuple(found), against, unchanged, waiting=waiting)


def _waiting(plan: Plan, changed: Mapping[str, object], reading: Reading) -> Iterator[Effect]:
    """Models whose files are as they should be, and that a run would nevertheless train or test again."""
    names = {model_folder(path) for path in plan.files} - {"", *changed}
    ran = [name for name in sorted(names) if reading.has_run(name)][:_MOST_LOOKED_AT]
    for model in models(plan, dict.fromkeys(ran, ())):
        effect = told_by_values(model, last=LastRuns(model.name, model.after, reading))
        if any(stage.state is State.RUNS and not stage.is_always_run for stage in effect.stages):
            yield effect


def _described(model: Model, around: _Around) -> Effect:
    last = LastRuns(model.name, model.after, around.reading)
    effect = told_by_values(model, around.places, last)
    told = effect.told
    if model.old is not None and model.new is not None and not model.renamed_from:
        told += tuple(alert_changes(model.before, model.after))
        told += tuple(setting_changes(model.before, model.after, model.old, model.new, around.places))
        told += tuple(image_changes(model.before, model.after))
    effect = _trained_for_its_image(model, effect, around)
    applied = deliveries(model, around.reach)
    applying = told_deliveries(model.renamed_from or model.name, applied, is_new=effect.is_new)
    effect = replace(effect, deliveries=applied, applying=tuple(applying))
    return replace(effect, told=told, breaches=tuple(_breaches(model, around)), cost=_cost(model, around))


def _trained_for_its_image(model: Model, effect: Effect, around: _Around) -> Effect:
    """A new image is trained for where CI finds it missing, though by DVC's record nothing had to be."""
    is_kept = model.old is not None and model.new is not None and not model.renamed_from
    if not is_kept or effect.is_trained:
        return effect
    keys = [told.key for told in effect.told if told.key.partition(".")[0] in IMAGE_PARTS]
    cause = made_anew(model.before, model.after, keys)
    if cause == OF_LOCK and around.reading.has_run(model.name):
        return replace(effect, headline="gets the image of the package that dvc.lock records")
    headline = f"is trained again by CI, because no image has its new name: {cause}"
    return replace(effect, headline=headline, is_trained=True) if cause else effect


def _breaches(model: Model, around: _Around) -> Iterator[Breach]:
    for found in _all_breaches(model):
        names = {found.rule, f"{model.name}:{found.rule}"}
        is_gone = found.rule in GONE and not _is_there(model.new, found.path)
        place = around.places.line(found.path, is_gone=is_gone) if found.path else ""
        yield replace(found, place=place, is_allowed=bool(names & around.allowed))


def _is_there(node: object, path: tuple[str | int, ...]) -> bool:
    """Whether a value at this path is declared, be it as something else."""
    for step in path:
        node = mapping(node).get(str(step))
    return node is not None


def _all_breaches(model: Model) -> Iterator[Breach]:
    if model.new is None:
        yield breach("model-removed", f"the model {model.name} is removed")
    elif model.old is not None:
        if model.renamed_from:
            told = f"the model {model.renamed_from} is now {model.name}"
            yield breach("model-renamed", told, ("metadata", "name"))
        if model.old is not model.new:
            yield from breaches(model.old, model.new)
        if not model.renamed_from:
            yield from address_breaches(model.before, model.after)


def _cost(model: Model, around: _Around) -> Cost | None:
    measured = last_search(around.reading.root, model.renamed_from or model.name)
    sides = ((model.old, model.before), (model.new, model.after))
    told = [None if pipeline is None else estimate(pipeline, files, measured) for pipeline, files in sides]
    return Cost(told[0], told[1], around.prices)
