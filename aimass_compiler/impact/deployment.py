"""What changes where a model is deployed, by its two records: objects, servers, settings, alerts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from aimass_compiler.diagnostics import Path
from aimass_compiler.impact.changes import Change, Sign, listed, setting_sentence
from aimass_compiler.impact.edits import leaves, shown
from aimass_compiler.impact.models import ChangedModel, Places
from aimass_compiler.impact.reach import Reach
from aimass_compiler.pipeline.pod_settings import PodSettings
from aimass_compiler.render.facts import (
    AlertRule,
    DeclaredObject,
    Environment,
    Resolved,
    Servers,
    SharedPlace,
)

#: Stands for the environments in a sentence.
_WHERE = "\0"
_CANARY_ON = "Argo Rollouts takes over the servers: those of the Deployment end once its own are ready"
_CANARY_OFF = "the Deployment takes over the servers of Argo Rollouts, which end once its own are ready"
#: With more alerts than this, as when an environment comes or goes, they share a line.
_FEW = 3

_KEYS_OF_PODS = tuple(PodSettings.model_fields)

#: The names that a setting has; several where it is a list.
_Names = tuple[str, ...]


class Delivery(Struct, frozen=True):
    """What applying does in one environment, in one namespace."""

    environment: str
    namespace: str
    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """What goes on there though nothing declares it any more."""
    why_left: str = ""
    replaced: tuple[str, ...] = ()
    """Why servers are replaced by new ones; empty where they stay."""
    is_canary: bool = False
    """Whether Argo Rollouts does that, step by step."""
    scaling: str = ""
    """Who decides from now on how many there are, where that is another one."""
    server: str = ""
    """Whose servers answer from now on, where these are others."""


def deliveries(model: ChangedModel, reach: Reach) -> tuple[Delivery, ...]:
    """What applying all models does with this one, environment by environment."""
    if model.old is not None and model.old_facts is None:
        return ()
    before = model.old_facts.environments if model.old_facts else {}
    after = model.new_facts.environments if model.new_facts else {}
    found = []
    was_called = model.renamed_from or model.name
    for name in dict.fromkeys([*after, *before]):
        old = before.get(name) if reach.before.is_released(name, was_called) else None
        new = after.get(name) if reach.after.is_released(name, model.name) else None
        if old and new and old.namespace == new.namespace and model.is_kept:
            found.append(_here(name, old, new))
            continue
        if old:
            found.append(_gone(name, old, reach, is_kept=model.is_kept))
        if new:
            found.append(Delivery(name, new.namespace, created=_shown(new.objects)))
    return tuple(each for each in found if each != Delivery(each.environment, each.namespace))


def idle(model: ChangedModel, reach: Reach) -> tuple[str, ...]:
    """The environments whose manifests change and where the model has no release, so that nothing happens."""
    if not (model.is_kept and model.old_facts and model.new_facts):
        return ()
    before = model.old_facts.environments
    return tuple(
        name
        for name, new in model.new_facts.environments.items()
        if name in before
        and not reach.after.is_released(name, model.name)
        and (before[name].objects, before[name].namespace) != (new.objects, new.namespace)
    )


def _shown(objects: Sequence[DeclaredObject]) -> tuple[str, ...]:
    return tuple(f"{each.kind} {each.name}" for each in objects)


def _gone(environment: str, old: Environment, reach: Reach, *, is_kept: bool) -> Delivery:
    """What becomes of all that a model had in a namespace where it has nothing any more.

    A model that git no longer has is removed by its inventory, where any other model is applied.
    """
    objects = _shown(old.objects)
    here = reach.namespaces.get(environment)
    if not reach.namespaces:
        why = "no model is left to be applied"
    elif here is None:
        why = f"nothing is applied to {environment} any more"
    elif old.namespace not in here:
        why = f"{environment} is applied to {listed(sorted(here))} from now on"
    elif not is_kept and not reach.is_known:
        why = "this repository has no remote `origin`, by which its models are known there"
    else:
        return Delivery(environment, old.namespace, deleted=objects)
    return Delivery(environment, old.namespace, left=objects, why_left=why)


def _here(environment: str, old: Environment, new: Environment) -> Delivery:
    """What differs where the model stays."""
    was, now = ({each.key: each for each in side.objects} for side in (old, new))
    return Delivery(
        environment,
        new.namespace,
        created=_shown([each for key, each in now.items() if key not in was]),
        changed=_shown([each for key, each in now.items() if key in was and was[key] != each]),
        deleted=_shown([each for key, each in was.items() if key not in now]),
        replaced=tuple(_replaced(old.servers, new.servers)),
        is_canary=new.servers.is_canary,
        scaling=_scaling(old.servers, new.servers),
        server=_moved(old.shared, new.shared),
    )


def _moved(old: SharedPlace | None, new: SharedPlace | None) -> str:
    """From which server to which a model moves, if it does."""
    was, now = (None if place is None else place.server for place in (old, new))
    if was == now:
        return ""
    whose = [f"the shared server `{name}`" if name else "its own servers" for name in (was, now)]
    return f"the model moves from {whose[0]} to {whose[1]}"


def _replaced(old: Servers, new: Servers) -> Iterator[str]:
    """Why the pods of the servers are other ones."""
    reasons = []
    if (old.cpu, old.memory) != (new.cpu, new.memory):
        reasons.append("other resources")
    if old.variables != new.variables:
        reasons.append("other limits")
    if old.labels != new.labels:
        reasons.append("other labels")
    if told := [key for key in _KEYS_OF_PODS if old.settings.get(key) != new.settings.get(key)]:
        reasons.append(f"another {listed([f'`{key}`' for key in told])} of their pods")
    yield from reasons or (["another manifest of their pods"] if old.pods != new.pods else [])


def _scaling(old: Servers, new: Servers) -> str:
    """Who scales the servers from now on."""
    changes = []
    if old.is_canary != new.is_canary:
        changes.append(_CANARY_ON if new.is_canary else _CANARY_OFF)
    was, now = _amount(old), _amount(new)
    if old.is_automatic != new.is_automatic:
        changes.append(
            f"autoscaling {'begins' if new.is_automatic else 'ends'}: {now} servers instead of {was}"
        )
    if old.scaled_by != new.scaled_by:
        by = [listed(side.scaled_by) or "CPU alone" for side in (new, old)]
        changes.append(f"servers are counted by {by[0]} instead of {by[1]}")
    return "; ".join(changes)


def _amount(servers: Servers) -> str:
    return f"{servers.least} to {servers.most}" if servers.is_automatic else f"{servers.least}"


def delivery_changes(model: str, found: Sequence[Delivery], *, is_new: bool = False) -> Iterator[Change]:
    """The same in sentences, each once with its environments; `model` is the name that is applied so far."""
    found_in: dict[tuple[Sign, str], list[str]] = {}
    for each in found:
        for sentence in _sentences(model, each, is_new=is_new):
            found_in.setdefault(sentence, []).append(each.environment)
    for (sign, text), names in found_in.items():
        yield Change(sign, text.replace(_WHERE, listed(names)), environments=tuple(names))


#: So many objects are named, for they may be those of one part: a model that serves has more.
_FEW = 3


def _sentences(model: str, each: Delivery, *, is_new: bool) -> Iterator[tuple[Sign, str]]:
    is_few = max(len(each.created), len(each.deleted)) <= _FEW
    is_whole = not (is_few or each.changed or each.replaced or each.scaling or each.server)
    if each.left:
        command = f"aimass delete {model} --env {each.environment} --namespace {each.namespace}"
        left = f"what runs of {model} in the namespace {each.namespace} is left running"
        hint = f"`{command}` removes its {len(each.left)} objects"
        yield Sign.CHANGED, f"{left}, because {each.why_left}: {hint}"
    if each.replaced:
        how = "by canary" if each.is_canary else "in turn"
        yield Sign.CHANGED, f"the servers in {_WHERE} are replaced {how}: {listed(each.replaced)}"
    if each.server:
        yield Sign.CHANGED, f"{each.server}, in {_WHERE}"
    if each.scaling:
        yield Sign.CHANGED, f"{each.scaling}, in {_WHERE}"
    if each.deleted:
        deleted = _counted(each.deleted, f"all {len(each.deleted)} objects of {model}" if is_whole else "")
        yield Sign.REMOVED, f"{deleted} deleted in {_WHERE}"
    if each.created and not is_new:
        whole = f"{len(each.created)} objects" if is_whole and not each.deleted else ""
        yield Sign.ADDED, f"{_counted(each.created, whole)} created in {_WHERE}"


def _counted(shown: Sequence[str], whole: str) -> str:
    """The objects by name, or as a whole where they are all."""
    return f"{whole or listed(shown)} {'is' if len(shown) == 1 else 'are'}"


class _Setting(Struct, frozen=True):
    """One setting: where it is written, its value, and the sentences for when it is there and when not."""

    path: Path
    read: Callable[[Resolved], _Names]
    there: str
    gone: str = ""


_SETTINGS = (
    _Setting(
        ("environments",),
        lambda facts: (facts.job.environment,) if facts.job else (),
        "training jobs run in {}",
        "training jobs no longer run in {}",
    ),
    _Setting(
        ("labels",),
        lambda facts: _pairs(facts.labels),
        "all objects carry {}",
        "no object carries {} any more",
    ),
    _Setting(
        ("prometheus", "labels"),
        lambda facts: _pairs(facts.monitor_labels),
        "Prometheus finds it by {}",
        "Prometheus no longer finds it by {}",
    ),
    _Setting(
        ("prometheus", "namespace"),
        lambda facts: (facts.monitor_namespace,),
        "the network lets in {}",
        "the network no longer lets in {}",
    ),
    _Setting(
        ("queue",),
        lambda facts: (facts.job.queue,) if facts.job and facts.job.queue else (),
        "training jobs wait in the queue {}",
        "training jobs no longer wait in {}",
    ),
    _Setting(
        ("environments",),
        lambda facts: facts.job.secrets if facts.job else (),
        "training gets {} as secrets",
        "training no longer gets {}",
    ),
    _Setting(
        ("training", "target"),
        lambda facts: (facts.job.target,) if facts.job else (),
        "training jobs are those of {}",
        "training jobs are no longer those of {}",
    ),
    _Setting(("images", "python"), lambda facts: (facts.images.serving_base,), "servers are made from {}"),
    _Setting(("images", "ray"), lambda facts: (facts.images.training_base,), "training is made from {}"),
)


def record_changes(before: Resolved, after: Resolved, places: Places) -> Iterator[Change]:
    """What differs between two records of a model that its values and objects do not show."""
    yield from _alert_changes(before, after)
    yield from _setting_changes(before, after, places)


def _setting_changes(before: Resolved, after: Resolved, places: Places) -> Iterator[Change]:
    """What the settings do to one model, beside its own values."""
    for setting in _SETTINGS:
        was, now = setting.read(before), setting.read(after)
        if was and now and len(was) == len(now) == 1 and was != now:
            yield _setting_change(setting.path, f"{setting.there.format(now[0])} instead of {was[0]}", places)
        else:
            come, gone = (listed([name for name in a if name not in b]) for a, b in ((now, was), (was, now)))
            if come:
                yield _setting_change(setting.path, setting.there.format(come), places)
            if gone:
                yield _setting_change(setting.path, setting.gone.format(gone), places)
    yield from _pods_of_jobs(before, after, places)
    yield from _deployers(before, after, places)
    yield from _recorded(before.settings, after.settings, places)


def _recorded(before: Mapping[str, Any], after: Mapping[str, Any], places: Places) -> Iterator[Change]:
    """Settings without a description of what they do, value by value."""
    was, now = dict(leaves(before)), dict(leaves(after))
    for path in dict.fromkeys([*now, *was]):
        old, new = was.get(path), now.get(path)
        if path and old != new:
            yield Change(
                Sign.CHANGED, setting_sentence(path, old, new), shown(path), location=places.setting(path)
            )


def _pods_of_jobs(before: Resolved, after: Resolved, places: Places) -> Iterator[Change]:
    """What the environment says of the pods and volumes of training jobs."""
    if before.job is None or after.job is None:
        return
    was, now = before.job.settings, after.job.settings
    for key in dict.fromkeys([*now, *was]):
        if was.get(key) != now.get(key):
            words = [side.get(key, "nothing") for side in (now, was)]
            path = ("environments", after.job.environment, "pods")
            text = f"pods of training jobs have {words[0]} as `{key}` instead of {words[1]}"
            yield _setting_change(path, text, places)


def _setting_change(path: Path, text: str, places: Places) -> Change:
    key = ".".join(map(str, path))
    return Change(Sign.CHANGED, text, key, location=places.setting(path))


def _pairs(labels: Mapping[str, str]) -> _Names:
    return tuple(f"{key}: {value}" for key, value in labels.items())


def _deployers(before: Resolved, after: Resolved, places: Places) -> Iterator[Change]:
    """Who may apply to which environment."""
    changed: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for name, environment in after.environments.items():
        was = before.environments.get(name)
        if was is not None and was.deployers != environment.deployers:
            changed[listed(environment.deployers), listed(was.deployers)].append(name)
    for (now, then), names in changed.items():
        path = ("environments", names[0], "deployer")
        yield _setting_change(path, f"{now} may apply to {listed(names)} instead of {then}", places)


def _alert_changes(before: Resolved, after: Resolved) -> Iterator[Change]:
    """The alerts that differ, each once with its environments."""
    every = {*before.environments, *after.environments}
    for (sign, places), named in _changed_alerts(before, after).items():
        where = "" if set(places) == every else f" in {listed(places)}"
        if len(named) > _FEW:
            verb = {Sign.ADDED: "are added", Sign.REMOVED: "are removed"}.get(sign, "fire on something else")
            names = ", ".join(dict.fromkeys(name for name, _ in named))
            yield Change(sign, f"{len(named)} alerts {verb}{where}: {names}", environments=places)
        else:
            for name, verb in named:
                yield Change(sign, f"the alert {name} {verb}{where}", environments=places)


def _changed_alerts(
    before: Resolved, after: Resolved
) -> Mapping[tuple[Sign, tuple[str, ...]], list[tuple[str, str]]]:
    """By what happens to them and where: the alerts by name, each with its verb."""
    sides = [
        {
            (name, each.name, each.objective, each.severity): each
            for name, here in facts.environments.items()
            for each in here.alerts
        }
        for facts in (before, after)
    ]
    old, new = sides
    severities: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    found: defaultdict[tuple[Sign, str, str, str, str], list[str]] = defaultdict(list)
    for environment, name, objective, severity in dict.fromkeys([*new, *old]):
        severities[name, objective].add(severity)
        was, now = (side.get((environment, name, objective, severity)) for side in sides)
        if was != now:
            sign, verb = _happened(was, now)
            found[sign, name, objective, verb, environment].append(severity)
    places: defaultdict[tuple[Sign, str, str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (sign, name, objective, verb, environment), marked in found.items():
        places[sign, name, objective, verb, tuple(marked)].append(environment)
    named: defaultdict[tuple[Sign, tuple[str, ...]], list[tuple[str, str]]] = defaultdict(list)
    for (sign, name, objective, verb, marked_all), environments in places.items():
        severity = "" if severities[name, objective] == set(marked_all) else listed(marked_all)
        marks = ", ".join(mark for mark in (objective, severity) if mark)
        named[sign, tuple(environments)].append((f"{name} ({marks})" if marks else name, verb))
    return named


def _happened(was: AlertRule | None, now: AlertRule | None) -> tuple[Sign, str]:
    if was is None:
        return Sign.ADDED, "is added"
    if now is None:
        return Sign.REMOVED, "is removed"
    if was.thresholds != now.thresholds and now.thresholds:
        limits = [listed([f"{limit:g}" for limit in side.thresholds]) for side in (was, now)]
        return Sign.CHANGED, f"fires above {limits[1]} instead of {limits[0]}"
    return Sign.CHANGED, "fires on something else"
