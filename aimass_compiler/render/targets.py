"""Every target of `render/`, found by its folder, and every kind of object that one of them may have."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path

from aimass_compiler.render.kubernetes_kinds import KINDS as KUBERNETES_KINDS
from aimass_compiler.render.object_kind import Object, ObjectKind
from aimass_compiler.render.platform import Platform
from aimass_compiler.render.target import Target

#: The targets by the names of their folders.
TARGETS: dict[str, Target] = {
    path.parent.name: import_module(f"{__package__}.{path.parent.name}").TARGET
    for path in sorted(Path(__file__).parent.glob("[a-z]*/__init__.py"))
}

#: The platforms in the order of the targets that have them.
PLATFORMS: tuple[Platform, ...] = tuple(each for target in TARGETS.values() for each in target.platforms)

#: The kinds by group and name.
KINDS: dict[tuple[str, str], ObjectKind] = {
    (kind.group, kind.kind): kind
    for kind in (*KUBERNETES_KINDS, *(kind for target in TARGETS.values() for kind in target.kinds))
}


def kind_of(group: str, kind: str) -> ObjectKind:
    """What is known of a kind; of one that no target has, that nothing waits for it."""
    return KINDS.get((group, kind)) or ObjectKind(kind=kind, group=group)


def kind_of_object(document: Object) -> ObjectKind:
    """What is known of an object's kind."""
    return _kind_of_version(document["apiVersion"], document["kind"])


@lru_cache(maxsize=256)
def _kind_of_version(version: str, kind: str) -> ObjectKind:
    return kind_of(version.rpartition("/")[0], kind)
