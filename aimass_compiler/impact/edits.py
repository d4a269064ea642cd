"""What differs between two pipelines, as edits: lists are compared as sequences, named things by name."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import count
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler.diagnostics import Path

#: Mappings whose keys a spec's author chose: one that is new is no other one renamed.
_NAMED = frozenset({("data", "sources"), ("data", "columns"), ("environments",)})
#: Keys that say of which kind a mapping is, so that its other keys mean something else when it changes.
_TAGS = ("type", "by")
#: What a gate can ask for.
CONDITIONS = ("min", "max", "overfit", "beats")
#: Where more items than this could be one another, each is one that went or one that came.
_MOST_COMPARED = 2500

Items = Sequence[Any]
#: The stretches of two lists that differ: places before, and places after.
Blocks = Sequence[tuple[range, range]]


class Act(StrEnum):
    """What happened to a value."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


class Edit(Struct, frozen=True):
    """One value of a pipeline, before and after.

    `path` is where it is afterwards, or where it was if it is removed; `was` where it was if it moved.
    `environments` are those in which the edit holds, for what each environment has of its own.
    """

    act: Act
    path: Path
    before: Any = None
    after: Any = None
    was: Path | None = None
    environments: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return shown(self.path)


def shown(path: Path) -> str:
    """A path as people write it: `features[2].bucket.count`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def edits(before: Any, after: Any, path: Path = ()) -> Iterator[Edit]:
    """The edits that make `after` of `before`; plain JSON values, both at `path`."""
    if before == after and _is_flag(before) == _is_flag(after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not _is_replaced(before, after, path):
        yield from _of_mappings(before, after, path)
    elif isinstance(before, list) and isinstance(after, list) and not _are_scalars([*before, *after]):
        yield from _of_sequences(before, after, path)
    else:
        yield Edit(Act.CHANGED, path, before, after)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)  # True == 1


def _are_scalars(items: Items) -> bool:
    return not any(isinstance(item, (Mapping, list)) for item in items)


def _is_replaced(before: Mapping[str, Any], after: Mapping[str, Any], path: Path) -> bool:
    """Whether one kind took another's place, so that their keys have nothing to do with each other."""
    if path in _NAMED:
        return False
    if any(before.get(tag) != after.get(tag) for tag in _TAGS):
        return True
    return len(before) == len(after) == 1 and before.keys() != after.keys()


def _of_mappings(before: Mapping[str, Any], after: Mapping[str, Any], path: Path) -> Iterator[Edit]:
    for name in (*after, *(name for name in before if name not in after)):
        here = (*path, name)
        if name not in before:
            yield Edit(Act.ADDED, here, None, after[name])
        elif name not in after:
            yield Edit(Act.REMOVED, here, before[name], None)
        else:
            yield from edits(before[name], after[name], here)


def _identity(gate: Any) -> str:
    """A gate is known by its metric, its split and what it asks for, wherever it stands."""
    if not isinstance(gate, Mapping):
        return _written(gate)
    asked = [name for name in CONDITIONS if gate.get(name) is not None]
    return _written([gate.get("metric"), gate.get("split"), gate.get("slice"), asked])


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _of_sequences(before: Items, after: Items, path: Path) -> Iterator[Edit]:
    """What was inserted, removed, moved, and changed in its place."""
    from difflib import SequenceMatcher

    are_gates = path[-1:] == ("gates",)
    known_by = _identity if are_gates else _written
    old, new = [known_by(item) for item in before], [known_by(item) for item in after]
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    blocks = [(range(*code[1:3]), range(*code[3:5])) for code in codes if code[0] != "equal"]
    pairs = _moved(blocks, old, new)
    for gone, come in blocks if not are_gates else ():
        pairs |= _alike(before, after, [was for was in gone if was not in pairs], [*come], pairs)
    kept = set(pairs.values())
    found = [(was, Edit(Act.REMOVED, (*path, was), before[was], None)) for was in _missing(blocks, 0, pairs)]
    found += [(now, Edit(Act.ADDED, (*path, now), None, after[now])) for now in _missing(blocks, 1, kept)]
    for was, now in pairs.items():
        inner = list(edits(before[was], after[now], (*path, now)))
        moved = Edit(Act.MOVED, (*path, now), before[was], after[now], (*path, was))
        found += [(now, edit) for edit in inner or [moved]]
    for _, start, end, first, _ in (code for code in codes if code[0] == "equal"):
        for was, now in zip(range(start, end), count(first), strict=False):
            found += [(now, edit) for edit in edits(before[was], after[now], (*path, now))]
    yield from (edit for _, edit in sorted(found, key=lambda entry: entry[0]))


def _missing(blocks: Blocks, side: int, known: Container[int]) -> Iterator[int]:
    return (place for block in blocks for place in block[side] if place not in known)


def _moved(blocks: Blocks, old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Items that were taken from one place and put into another as they are."""
    waiting: defaultdict[str, list[int]] = defaultdict(list)
    for was in _missing(blocks, 0, ()):
        waiting[old[was]].append(was)
    pairs = {}
    for now in _missing(blocks, 1, ()):
        if alike := waiting[new[now]]:
            pairs[alike.pop(0)] = now
    return pairs


def _alike(
    before: Items, after: Items, gone: Sequence[int], come: Sequence[int], pairs: Mapping[int, int]
) -> dict[int, int]:
    """Which of the items that came in is which of those that went there, the likest first."""
    come = [now for now in come if now not in pairs.values()]
    if len(gone) * len(come) > _MOST_COMPARED:
        return {}
    ranked = sorted((-_likeness(before[was], after[now]), was, now) for was in gone for now in come)
    found: dict[int, int] = {}
    for unlike, was, now in ranked:
        if unlike <= 0 and was not in found and now not in found.values():
            found[was] = now
    return found


def _likeness(before: Any, after: Any) -> float:
    """How much of two items of one kind is the same, from 0 to 1; below 0 for two kinds."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)) or before.keys() != after.keys():
        return -1.0
    old, new = dict(leaves(before)), dict(leaves(after))
    same = sum(_overlap(old.get(key), new.get(key)) for key in old.keys() | new.keys())
    return float(same / max(len(old), len(new), 1))


def _overlap(before: Any, after: Any) -> float:
    """The share of two lists that is in both; of other values, whether they are the same."""
    if isinstance(before, list) and isinstance(after, list):
        old, new = set(map(_written, before)), set(map(_written, after))
        return len(old & new) / max(len(old | new), 1)
    return float(before == after)


def leaves(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that holds no other, and where it is; a list of plain values is one."""
    if isinstance(node, Mapping) and node:
        for name, value in node.items():
            yield from leaves(value, (*path, name))
    elif isinstance(node, list) and not _are_scalars(node):
        for place, item in enumerate(node):
            yield from leaves(item, (*path, place))
    else:
        yield path, node


_ENVIRONMENTS = "environments"
#: What each environment has of its own once its overrides are applied.
INHERITED = ("serving", "monitoring", "training")
#: An environment's name stands at this step of a path.
_INSIDE = 2


def once_for_all(found: Iterable[Edit]) -> Iterator[Edit]:
    """The edits, each with its environments, and without those that are another one inherited."""
    listed = list(found)
    takers: defaultdict[str, list[str]] = defaultdict(list)
    for edit in listed:
        if is_of_environment(edit.path):
            takers[_content(edit)].append(str(edit.path[1]))
    usual = {_content(edit) for edit in listed if edit.path[:1] and edit.path[0] in INHERITED}
    seen: set[str] = set()
    for edit in listed:
        content = _content(edit)
        if not is_of_environment(edit.path):
            yield replace(edit, environments=tuple(takers.get(content, ())))
        elif content not in usual and edit.path[_INSIDE] in INHERITED:
            yield replace(edit, environments=(str(edit.path[1]),))
        elif content not in usual and content not in seen:  # of the settings, mostly for all alike
            seen.add(content)
            yield replace(edit, environments=tuple(takers[content]))


def is_of_environment(path: Path) -> bool:
    """Whether a path leads to a value inside an environment."""
    return len(path) > _INSIDE and path[0] == _ENVIRONMENTS


def without_environment(path: Path) -> Path:
    """The path of the same value where it is written for all environments."""
    return path[_INSIDE:] if is_of_environment(path) else path


def _content(edit: Edit) -> str:
    return json.dumps([edit.act, without_environment(edit.path), edit.before, edit.after], sort_keys=True)
