"""Waits until objects that are being deleted are gone, and tells what holds those that stay."""

from __future__ import annotations

import time
from collections.abc import Iterable

from aimass_compiler.cluster.connection import Connection
from aimass_compiler.cluster.failures import ClusterError
from aimass_compiler.cluster.kinds import KindMissing
from aimass_compiler.cluster.objects import Object, key_of
from aimass_compiler.conventions import ExitCode

_PAUSE = 0.3


class NotGone(ClusterError):  # noqa: N818  # it reads as what is the case
    """What is being deleted is not gone in time."""

    exit_code = ExitCode.NOT_READY


def wait_until_gone(connection: Connection, leaving: Iterable[Object], deadline: float) -> None:
    """Wait for objects that are being deleted. Raises NotGone with what holds them, and ClusterError."""
    waiting = list(leaving)
    while waiting := [found for each in waiting if (found := _still_there(connection, each)) is not None]:
        if time.monotonic() > deadline:
            raise NotGone(
                "; ".join(map(_told, waiting)),
                "wait until it is gone (its finalizers let it go when their work is done), then run it again",
            )
        time.sleep(_PAUSE)


def _still_there(connection: Connection, leaving: Object) -> Object | None:
    """The object as it is now; None where it is gone, or another one has its name."""
    try:
        found = connection.get(key_of(leaving))
    except KindMissing:
        return None
    return found if found and found["metadata"]["uid"] == leaving["metadata"]["uid"] else None


def _told(document: Object) -> str:
    holders = ", ".join(document["metadata"].get("finalizers", ())) or "nothing that it tells"
    return f"{key_of(document)} is being deleted, and not gone yet: it is held by {holders}"
