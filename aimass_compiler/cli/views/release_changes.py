"""Which version goes where, as a plan shows it: the same of several models once, with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from aimass_compiler.impact.changes import Change, Sign, listed
from aimass_compiler.impact.contract import Breach
from aimass_compiler.impact.release_changes import ReleaseAct, ReleaseChange, details_of, sign_of

#: So many models are named where one line stands for them.
MOST_NAMED = 10

Contract = Callable[[Sequence[Breach]], tuple[Change, ...]]


def release_tree(changes: Sequence[ReleaseChange], contract: Contract) -> Change | None:
    """All of them below a title; `contract` draws what callers notice."""
    if not changes:
        return None
    lines = tuple(_line(environments, group, contract) for environments, group in _groups(changes, contract))
    return Change(Sign.NONE, "releases", children=lines)


def _children(change: ReleaseChange, contract: Contract) -> tuple[Change, ...]:
    return (*details_of(change), *contract(change.breaches))


_Group = tuple[tuple[str, ...], list[ReleaseChange]]


def _groups(changes: Sequence[ReleaseChange], contract: Contract) -> Iterator[_Group]:
    """Environments, and the models of which the same is said in them."""
    places: dict[object, tuple[ReleaseChange, list[str]]] = {}
    for each in changes:
        key = (each.model, each.text, repr(_children(each, contract)))
        places.setdefault(key, (each, []))[1].append(each.environment)
    groups: dict[object, _Group] = {}
    for number, (change, environments) in enumerate(places.values()):
        same = (change.alike, change.replaced, change.notes) if change.alike else number
        groups.setdefault((tuple(environments), same), (tuple(environments), []))[1].append(change)
    yield from groups.values()


def _line(environments: Sequence[str], group: Sequence[ReleaseChange], contract: Contract) -> Change:
    first, where = group[0], listed(environments)
    if len(group) == 1:
        text = f"{where}: {first.model} {first.text}"
        return Change(sign_of(first), text, children=_children(first, contract))
    names = named([change.model for change in group])
    text = f"{where}: {len(group)} models {first.alike}: {names}"
    breaches = dict.fromkeys(chain.from_iterable(change.breaches for change in group))
    return Change(sign_of(first), text, children=(*details_of(first), *contract(list(breaches))))


def named(models: Sequence[str]) -> str:
    """The first of many models, and how many more there are."""
    if len(models) <= MOST_NAMED:
        return listed(models)
    return f"{', '.join(models[:MOST_NAMED])} and {len(models) - MOST_NAMED} more"


def counted(changes: Sequence[ReleaseChange]) -> str:
    """Such as `releases 1 to add, 2 to change, 0 to remove`."""
    new = sum(ReleaseAct.DEPLOYED in change.acts for change in changes)
    gone = sum(ReleaseAct.REMOVED in change.acts for change in changes)
    return f"releases {new} to add, {len(changes) - new - gone} to change, {gone} to remove"
