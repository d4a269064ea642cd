"""Where a cluster differs from git, and whose doing that is: applied late, or changed by somebody else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from aimass_compiler.cluster import git, rollouts
from aimass_compiler.cluster.comparison import Compared, compared, replaced
from aimass_compiler.cluster.difference import NOTHING, Addition, FieldChange
from aimass_compiler.cluster.objects import ObjectKey
from aimass_compiler.cluster.outcomes import Action, Applied
from aimass_compiler.cluster.owned import Owned

#: What runs workloads, and writes into them what it has done.
_CONTROLLERS = frozenset(("kube-controller-manager", rollouts.CONTROLLER, rollouts.PLUGIN))
_RIGHTLY = frozenset(("kubectl.kubernetes.io/restartedAt",))


class Cause(StrEnum):
    """Why something in the cluster is not as git has it."""

    NOT_APPLIED = "not applied yet"
    CHANGED = "changed by somebody"


@dataclass(frozen=True)
class FieldDrift:
    """A field that is not as git has it."""

    change: FieldChange
    cause: Cause


@dataclass(frozen=True)
class ObjectDrift:
    """An object that is not as git has it."""

    compared: Compared
    cause: Cause
    fields: tuple[FieldDrift, ...] = ()

    @property
    def key(self) -> ObjectKey:
        return self.compared.key


@dataclass(frozen=True)
class Drift:
    """How far one model in one environment is from git."""

    applied: Applied
    """What a dry run of applying it would do."""
    owned: Owned | None
    """What was applied, and from which commit; None where it never was."""
    is_current: bool
    """Whether what git declares is what was applied last."""
    objects: tuple[ObjectDrift, ...] = ()
    added: tuple[Compared, ...] = ()
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


def drift(applied: Applied, owned: Owned | None, digest: str) -> Drift:
    """The drift, from a dry run that would take over every field, and the digest of what git declares."""
    is_current = owned is not None and owned.digest == digest and not applied.is_removal
    objects = compared(applied.outcomes)
    known = {entry.key for entry in owned.entries} if owned is not None else set()
    found = tuple(_drifted(objects, known, is_current=is_current))
    added = (replace(each, additions=tuple(filter(_is_noteworthy, each.additions))) for each in objects)
    return Drift(applied, owned, is_current, found, tuple(each for each in added if each.additions))


def since(drift: Drift, root: Path) -> Drift:
    """With the number of commits since the one that was applied, in the repository around `root`."""
    if drift.is_current or drift.owned is None or not drift.owned.commit:
        return drift
    return replace(drift, commits_since=git.commits_since(drift.owned.commit, root))


def _is_noteworthy(addition: Addition) -> bool:
    """Whether somebody chose it: controllers note what they did, and a restart is asked for like this."""
    return addition.manager.name.lower() not in _CONTROLLERS and addition.path[-1] not in _RIGHTLY


def _drifted(
    objects: Iterable[Compared], known: set[ObjectKey], *, is_current: bool
) -> Iterator[ObjectDrift]:
    listed = list(objects)
    earlier = set(replaced(listed))
    for each in listed:
        action = each.outcome.action
        if action is Action.LEFT:
            yield ObjectDrift(each, Cause.CHANGED)
        elif not each.differs or each.key in earlier:
            continue
        elif action is Action.CREATED:
            yield ObjectDrift(each, Cause.CHANGED if each.key in known else Cause.NOT_APPLIED)
        elif action is Action.DELETED:
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
    the value that we applied. Of a field that is gone nobody is told; it was taken away if we applied it.
    """
    if any(manager.is_us for manager in change.managers):
        return Cause.NOT_APPLIED
    if change.others and change.live is not NOTHING:
        return Cause.CHANGED
    return Cause.CHANGED if is_current else Cause.NOT_APPLIED
