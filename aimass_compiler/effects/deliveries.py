"""What `aimass apply` makes of a plan in each environment: which objects come and go, and whose servers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from aimass_compiler.effects.models import Model
from aimass_compiler.effects.normal import at, mapping, named, number
from aimass_compiler.effects.overlays import Key, Object, Overlay, overlays
from aimass_compiler.effects.sentences import listed
from aimass_compiler.effects.told import Sign, Told
from aimass_compiler.plan import Files

_SERVERS = "spec.template"
#: What of the pods may differ → how it is called; what is none of these is their manifest.
_PARTS: Mapping[str, str] = {
    "image": "another image",
    "resources": "other resources",
    "env": "other limits",
    "labels": "other labels",
}
_OVERLAY = re.compile(r"[^/]+/overlays/(?P<environment>[^/]+)/kustomization\.yaml")
_NAMESPACE = re.compile(rb"^namespace: ['\"]?(?P<name>[a-z0-9-]+)", re.MULTILINE)
#: Stands for the environments in a sentence.
_WHERE = "\0"


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


class Reach(Struct, frozen=True):
    """What applying all models of the project looks at."""

    namespaces: Mapping[str, str]
    """The namespace of each environment that any model has."""
    is_known: bool = True
    """Whether the repository has a remote, by which its models are told from those of others."""

    @classmethod
    def of(cls, files: Files, *, is_known: bool = True) -> Reach:
        """That of the files of all models."""
        found = {}
        for path, content in files.items():
            parts = _OVERLAY.fullmatch(path)
            namespace = _NAMESPACE.search(content) if parts else None
            if parts and namespace and parts["environment"] not in found:
                found[parts["environment"]] = namespace["name"].decode()
        return cls(found, is_known)


def deliveries(model: Model, reach: Reach) -> tuple[Delivery, ...]:
    """What applying all models does with this one, environment by environment."""
    before, after = _overlays(model.before), _overlays(model.after)
    is_kept = model.old is not None and model.new is not None and not model.renamed_from
    found = []
    ranked = [name for each in (model.new, model.old) for name in named((each or {}).get("environments"))]
    for name in dict.fromkeys([*ranked, *before, *after]):
        old, new = before.get(name), after.get(name)
        if old and new and old.namespace == new.namespace and is_kept:
            found.append(_here(name, old, new))
            continue
        if old:
            found.append(_gone(name, old, reach, is_kept=is_kept))
        if new:
            created = tuple(map(_shown, sorted(new.objects)))
            found.append(Delivery(name, new.namespace, created=created))
    return tuple(each for each in found if each != Delivery(each.environment, each.namespace))


def _overlays(files: Files) -> dict[str, Overlay]:
    own = ("base/", "overlays/")
    return overlays({path: content for path, content in files.items() if path.startswith(own)})


def _gone(environment: str, old: Overlay, reach: Reach, *, is_kept: bool) -> Delivery:
    """What becomes of all that a model had in a namespace where it has nothing any more.

    A model that git no longer has is removed by its inventory, where any other model is applied.
    """
    objects = tuple(map(_shown, sorted(old.objects)))
    here = reach.namespaces.get(environment)
    if not reach.namespaces:
        why = "no model is left to be applied"
    elif here is None:
        why = f"nothing is applied to {environment} any more"
    elif here != old.namespace:
        why = f"{environment} is applied to {here} from now on"
    elif not is_kept and not reach.is_known:
        why = "this repository has no remote `origin`, by which its models are known there"
    else:
        return Delivery(environment, old.namespace, deleted=objects)
    return Delivery(environment, old.namespace, left=objects, why_left=why)


def _here(environment: str, old: Overlay, new: Overlay) -> Delivery:
    """What differs where the model stays."""
    same = old.objects.keys() & new.objects.keys()
    return Delivery(
        environment,
        new.namespace,
        created=tuple(map(_shown, sorted(new.objects.keys() - old.objects.keys()))),
        changed=tuple(_shown(key) for key in sorted(same) if old.objects[key] != new.objects[key]),
        deleted=tuple(map(_shown, sorted(old.objects.keys() - new.objects.keys()))),
        replaced=tuple(_replaced(old, new)),
        is_canary=_Scaler.of(new).is_canary,
        scaling=_scaling(old, new),
    )


def _shown(key: Key) -> str:
    return f"{key[0]} {key[1]}"


def _replaced(old: Overlay, new: Overlay) -> Iterator[str]:
    """Why the pods of the servers are other ones."""
    reasons: list[str] = []
    for key, document in new.objects.items():
        before = old.objects.get(key)
        if key[0] == "Deployment" and before is not None:
            reasons += _reasons(mapping(at(before, _SERVERS)), mapping(at(document, _SERVERS)))
    yield from dict.fromkeys(reasons)


def _reasons(old: Object, new: Object) -> Iterator[str]:
    if old == new:
        return
    sides = [_container(old), _container(new)]
    labels = [mapping(at(side, "metadata.labels")) for side in (old, new)]
    reasons = [name for part, name in _PARTS.items() if sides[0].get(part) != sides[1].get(part)]
    if labels[0] != labels[1]:
        reasons.append(_PARTS["labels"])
    yield from reasons or ["another manifest of their pods"]


def _container(template: Object) -> Mapping[str, Any]:
    containers = at(template, "spec.containers")
    return mapping(containers[0]) if isinstance(containers, list) and containers else {}


def _scaling(old: Overlay, new: Overlay) -> str:
    """Who scales the servers from now on."""
    was, now = _Scaler.of(old), _Scaler.of(new)
    changes = []
    if was.is_canary != now.is_canary:
        changes.append(_CANARY_ON if now.is_canary else _CANARY_OFF)
    if was.is_automatic and not now.is_automatic:
        changes.append(f"autoscaling ends: {now.amount} servers instead of {was.amount}")
    if now.is_automatic and not was.is_automatic:
        changes.append(f"autoscaling begins: {now.amount} servers instead of {was.amount}")
    return "; ".join(changes)


_CANARY_ON = "Argo Rollouts takes over the servers: those of the Deployment end once its own are ready"
_CANARY_OFF = "the Deployment takes over the servers of Argo Rollouts, which end once its own are ready"


class _Scaler(Struct, frozen=True):
    """What decides how many servers run."""

    is_canary: bool
    is_automatic: bool
    amount: str

    @classmethod
    def of(cls, declared: Overlay) -> _Scaler:
        by_kind = {kind: document for (kind, _), document in declared.objects.items()}
        is_canary = "Rollout" in by_kind
        scaler = by_kind.get("HorizontalPodAutoscaler")
        if scaler is not None:
            ends = [number(at(scaler, f"spec.{end}Replicas")) or 1 for end in ("min", "max")]
            return cls(is_canary, True, f"{ends[0]:g} to {ends[1]:g}")
        fixed = number(at(by_kind.get("Rollout" if is_canary else "Deployment"), "spec.replicas"))
        return cls(is_canary, False, f"{1 if fixed is None else fixed:g}")


def told_deliveries(model: str, found: Sequence[Delivery], *, is_new: bool = False) -> Iterator[Told]:
    """The same in sentences, each once with its environments; `model` is the name that is applied so far."""
    found_in: dict[tuple[Sign, str], list[str]] = {}
    for each in found:
        for sentence in _sentences(model, each, is_new=is_new):
            found_in.setdefault(sentence, []).append(each.environment)
    for (sign, text), names in found_in.items():
        yield Told(sign, text.replace(_WHERE, listed(names)), environments=tuple(names))


def _sentences(model: str, each: Delivery, *, is_new: bool) -> Iterator[tuple[Sign, str]]:
    is_whole = not (each.changed or each.replaced or each.scaling)
    if each.left:
        command = f"aimass delete {model} --env {each.environment} --namespace {each.namespace}"
        left = f"what runs of {model} in the namespace {each.namespace} is left running"
        hint = f"`{command}` removes its {len(each.left)} objects"
        yield Sign.CHANGED, f"{left}, because {each.why_left}: {hint}"
    if each.replaced:
        how = "by canary" if each.is_canary else "in turn"
        yield Sign.CHANGED, f"the servers in {_WHERE} are replaced {how}: {listed(each.replaced)}"
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
