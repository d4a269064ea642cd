"""Where a cluster differs from git, and whose doing that is: applied late, or changed by hand else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from aimass_compiler.kubernetes import handover
from aimass_compiler.kubernetes.inventory import ClusterInventory
from aimass_compiler.kubernetes.object_diff import NOTHING, Addition, FieldChange, additions, changes
from aimass_compiler.kubernetes.objects import ObjectKey
from aimass_compiler.kubernetes.run import Applied, ObjectAction, ObjectOutcome
from aimass_compiler.programs import git

#: What kustomize ends the names of ConfigMaps and Secrets with.
#: Source: `encode` in sigs.k8s.io/kustomize/api/hasher
_HASH = re.compile(r"-[2456789bcdfghkmt]{10}$")


@dataclass(frozen=True)
class ObjectDiff:
    """One object, as it is and as it would be."""

    outcome: ObjectOutcome
    changes: tuple[FieldChange, ...] = ()
    """Of one that replaces another: how the two differ."""
    additions: tuple[Addition, ...] = ()
    replaces: ObjectKey | None = None
    """The object that it takes the place of: the same but for the hash of its content."""

    @property
    def key(self) -> ObjectKey:
        return self.outcome.key

    @property
    def differs(self) -> bool:
        """Whether applying would change anything that can be seen in it."""
        action = self.outcome.action
        if action is ObjectAction.CHANGED:
            return bool(self.changes) or self.outcome.merged is None
        return action is ObjectAction.CREATED or (
            action is ObjectAction.DELETED and self.outcome.live is not None
        )


@dataclass(frozen=True)
class ModelDiff:
    """One model in one environment, as it is and as git declares it."""

    applied: Applied
    """What a dry run of applying it would do."""
    objects: tuple[ObjectDiff, ...]

    @property
    def differs(self) -> bool:
        return any(each.differs for each in self.objects)


def difference(applied: Applied) -> ModelDiff:
    """The difference, from a dry run."""
    return ModelDiff(applied, compared(applied.outcomes))


def compared(outcomes: Iterable[ObjectOutcome]) -> tuple[ObjectDiff, ...]:
    """The objects in the order in which they would be applied, then those that would be deleted."""
    listed = list(outcomes)
    going = {
        _without_hash(each.key): each for each in listed if each.action is ObjectAction.DELETED and each.live
    }
    return tuple(_compared(each, going) for each in listed)


def _compared(outcome: ObjectOutcome, going: Mapping[ObjectKey, ObjectOutcome]) -> ObjectDiff:
    live, merged = outcome.live, outcome.merged
    if outcome.action is ObjectAction.CREATED and merged is not None:
        earlier = going.get(_without_hash(outcome.key))
        if earlier is None or earlier.live is None:
            return ObjectDiff(outcome)
        found = (change for change in changes(earlier.live, merged) if change.path != ("metadata", "name"))
        return ObjectDiff(outcome, tuple(found), replaces=earlier.key)
    if live is None or merged is None:
        return ObjectDiff(outcome)
    return ObjectDiff(outcome, tuple(changes(live, merged)), tuple(additions(live, merged)))


def _without_hash(key: ObjectKey) -> ObjectKey:
    return ObjectKey(key.group, key.kind, key.namespace, _HASH.sub("", key.name))


def replaced(objects: Iterable[ObjectDiff]) -> Iterator[ObjectKey]:
    """Objects that go because another one takes their place."""
    yield from (each.replaces for each in objects if each.replaces is not None)


#: What runs workloads, and writes into them what it has done.
_CONTROLLERS = frozenset(("kube-controller-manager", *(each.manager for each in handover.FOREIGN_FIELDS)))
_RIGHTLY = frozenset(("kubectl.kubernetes.io/restartedAt",))


class Cause(StrEnum):
    """Why something in the cluster is not as git has it."""

    NOT_APPLIED = "not applied yet"
    CHANGED = "changed by hand"


@dataclass(frozen=True)
class FieldDrift:
    """A field that is not as git has it."""

    change: FieldChange
    cause: Cause


@dataclass(frozen=True)
class ObjectDrift:
    """An object that is not as git has it."""

    compared: ObjectDiff
    cause: Cause
    fields: tuple[FieldDrift, ...] = ()

    @property
    def key(self) -> ObjectKey:
        return self.compared.key


@dataclass(frozen=True)
class ModelDrift:
    """How far one model in one environment is from git."""

    applied: Applied
    """What a dry run of applying it would do."""
    owned: ClusterInventory | None
    """What was applied, and from which commit; None where it never was."""
    is_current: bool
    """Whether what git declares is what was applied last."""
    objects: tuple[ObjectDrift, ...] = ()
    added: tuple[ObjectDiff, ...] = ()
    """Objects to which others added something that nobody declares."""
    commits_since: int | None = None
    """How many commits the checked out one is ahead of the applied one; None where git does not tell."""

    @property
    def differs(self) -> bool:
        return bool(self.objects)

    def of(self, cause: Cause) -> list[ObjectDrift]:
        """The objects with a difference of this cause."""
        return [
            each
            for each in self.objects
            if each.cause is cause or any(field.cause is cause for field in each.fields)
        ]


def drift(applied: Applied, owned: ClusterInventory | None, digest: str) -> ModelDrift:
    """The drift, from a dry run that would take over every field, and the digest of what git declares."""
    is_applied = owned is not None and owned.is_complete and owned.digest == digest
    is_current = is_applied and not applied.is_removal
    objects = compared(applied.outcomes)
    known = {entry.key for entry in owned.entries} if owned is not None else set()
    found = tuple(_drifted(objects, known, is_current=is_current))
    added = (replace(each, additions=tuple(filter(_is_noteworthy, each.additions))) for each in objects)
    return ModelDrift(applied, owned, is_current, found, tuple(each for each in added if each.additions))


def since(drift: ModelDrift, root: Path) -> ModelDrift:
    """With the number of commits since the one that was applied, in the repository around `root`."""
    if drift.is_current or drift.owned is None or not drift.owned.commit:
        return drift
    return replace(drift, commits_since=git.commits_since(drift.owned.commit, root))


def _is_noteworthy(addition: Addition) -> bool:
    """Whether somebody chose it: controllers note what they did, and a restart is asked for like this."""
    return addition.manager.name.lower() not in _CONTROLLERS and addition.path[-1] not in _RIGHTLY


def _drifted(
    objects: Iterable[ObjectDiff], known: set[ObjectKey], *, is_current: bool
) -> Iterator[ObjectDrift]:
    listed = list(objects)
    earlier = set(replaced(listed))
    for each in listed:
        action = each.outcome.action
        if action is ObjectAction.LEFT:
            yield ObjectDrift(each, Cause.CHANGED)
        elif not each.differs or each.key in earlier:
            continue
        elif action is ObjectAction.CREATED:
            yield ObjectDrift(each, Cause.CHANGED if each.key in known else Cause.NOT_APPLIED)
        elif action is ObjectAction.DELETED:
            yield ObjectDrift(each, Cause.NOT_APPLIED)
        else:
            fields = tuple(
                FieldDrift(change, _cause(change, is_current=is_current)) for change in each.changes
            )
            causes = {field.cause for field in fields}
            yield ObjectDrift(each, Cause.CHANGED if Cause.CHANGED in causes else Cause.NOT_APPLIED, fields)


def _cause(change: FieldChange, *, is_current: bool) -> Cause:
    """Whose doing a difference is.

    The API server takes a field from us when somebody else sets it to another value: what is still ours has
    the value that we applied. Of a field that is gone no manager is known; it was removed if we applied it.
    """
    if any(manager.is_us for manager in change.managers):
        return Cause.NOT_APPLIED
    if change.others and change.live is not NOTHING:
        return Cause.CHANGED
    return Cause.CHANGED if is_current else Cause.NOT_APPLIED
