"""Writes an object that was looked at, in steps that keep its servers and what others write into it."""

from __future__ import annotations

from typing import Any

from aimass_compiler.cluster import handover, rollouts
from aimass_compiler.cluster.connection import Connection, Merged
from aimass_compiler.cluster.failures import Changed
from aimass_compiler.cluster.handover import Handover
from aimass_compiler.cluster.looking import Look
from aimass_compiler.cluster.objects import Object, key_of

#: A canary moves weights every few seconds at most.
_TRIES = 5


def write(connection: Connection, around: Handover, look: Look, *, force: bool) -> Merged:
    """Apply an object as `look` foresaw it. Raises ClusterError."""
    force = force or look.is_forced
    if around.is_shared(look.document):
        return _written_beside(connection, around, look.document, force=force)
    if look.replicas is None:
        return connection.apply(look.document, force=force)
    if look.outcome.live is None:
        made = connection.apply(_with_replicas(look.document, look.replicas), force=force)
        handover.give(connection, made.document, look.replicas)
    else:
        handover.give(connection, look.outcome.live, look.replicas)
    return connection.apply(look.document, force=force)


def _with_replicas(document: Object, replicas: int) -> dict[str, Any]:
    return {**document, "spec": {**document["spec"], "replicas": replicas}}


def _written_beside(connection: Connection, around: Handover, document: Object, *, force: bool) -> Merged:
    """Apply an object with what Argo Rollouts has written into it in this moment, and not a moment ago."""
    for last in range(_TRIES):
        live = connection.get(key_of(document))
        wanted = rollouts.with_written(document, live, around.services)
        if live is not None:
            version = live["metadata"]["resourceVersion"]
            wanted = {**wanted, "metadata": {**wanted["metadata"], "resourceVersion": version}}
        try:
            return connection.apply(wanted, force=force)
        except Changed:
            if last == _TRIES - 1:
                raise
    raise AssertionError  # the loop returns or raises
