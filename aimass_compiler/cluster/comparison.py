"""What applying would change in each object of a model, from what a dry run on the server answered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from aimass_compiler.cluster.difference import Addition, FieldChange, additions, changes
from aimass_compiler.cluster.objects import ObjectKey
from aimass_compiler.cluster.outcomes import Action, Applied, Outcome

#: What kustomize ends the names of ConfigMaps and Secrets with.
#: Source: `encode` in sigs.k8s.io/kustomize/api/hasher
_HASH = re.compile(r"-[2456789bcdfghkmt]{10}$")


@dataclass(frozen=True)
class Compared:
    """One object, as it is and as it would be."""

    outcome: Outcome
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
        if action is Action.CHANGED:
            return bool(self.changes) or self.outcome.merged is None
        return action is Action.CREATED or (action is Action.DELETED and self.outcome.live is not None)


@dataclass(frozen=True)
class Difference:
    """One model in one environment, as it is and as git declares it."""

    applied: Applied
    """What a dry run of applying it would do."""
    objects: tuple[Compared, ...]

    @property
    def differs(self) -> bool:
        return any(each.differs for each in self.objects)


def difference(applied: Applied) -> Difference:
    """The difference, from a dry run."""
    return Difference(applied, compared(applied.outcomes))


def compared(outcomes: Iterable[Outcome]) -> tuple[Compared, ...]:
    """The objects in the order in which they would be applied, then those that would be deleted."""
    listed = list(outcomes)
    going = {_base(each.key): each for each in listed if each.action is Action.DELETED and each.live}
    return tuple(_compared(each, going) for each in listed)


def _compared(outcome: Outcome, going: Mapping[ObjectKey, Outcome]) -> Compared:
    live, merged = outcome.live, outcome.merged
    if outcome.action is Action.CREATED and merged is not None:
        earlier = going.get(_base(outcome.key))
        if earlier is None or earlier.live is None:
            return Compared(outcome)
        found = (change for change in changes(earlier.live, merged) if change.path != ("metadata", "name"))
        return Compared(outcome, tuple(found), replaces=earlier.key)
    if live is None or merged is None:
        return Compared(outcome)
    return Compared(outcome, tuple(changes(live, merged)), tuple(additions(live, merged)))


def _base(key: ObjectKey) -> ObjectKey:
    return ObjectKey(key.group, key.kind, key.namespace, _HASH.sub("", key.name))


def replaced(objects: Iterable[Compared]) -> Iterator[ObjectKey]:
    """Objects that go because another one takes their place."""
    yield from (each.replaces for each in objects if each.replaces is not None)
