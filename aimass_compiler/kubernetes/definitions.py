"""Kinds that an operator defines: whether the cluster serves one, or soon will."""

from __future__ import annotations

import time

from aimass_compiler.kubernetes.connection import Connection, KindMissing, Resource
from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.objects import Object, ObjectKey
from aimass_compiler.kubernetes.pauses import pauses
from aimass_compiler.render.targets import kind_of

_GROUP = "apiextensions.k8s.io"
#: How long a definition may be there before the list of kinds has it; that mostly takes a second.
_SERVED_SECONDS = 30
_LONGEST_PAUSE = 1.0


def defined(connection: Connection, group: str, kind: str, version: str) -> Resource:
    """How the cluster serves a kind, which is waited for where its definition was only just applied.

    That a definition is established does not mean that the list of kinds has it yet. Raises KindMissing
    where there is no such definition or who asks may not see it, and other ClusterErrors.
    """
    deadline, rests = time.monotonic() + _SERVED_SECONDS, pauses(_LONGEST_PAUSE)
    while True:
        try:
            return connection.resource(group, kind, version)
        except KindMissing:
            definition = _definition(connection, group, kind)
            if definition is None or not _will_serve(definition, version) or time.monotonic() > deadline:
                raise
        time.sleep(next(rests))


def _definition(connection: Connection, group: str, kind: str) -> Object | None:
    """What defines a kind; None also where we may not ask."""
    key = ObjectKey(_GROUP, "CustomResourceDefinition", "", f"{kind_of(group, kind).resource}.{group}")
    try:
        return connection.get(key)
    except ClusterError:
        return None


def _will_serve(definition: Object, version: str) -> bool:
    versions = definition["spec"]["versions"]
    is_served = any(each["name"] == version and each["served"] for each in versions)
    return is_served and "deletionTimestamp" not in definition["metadata"]
