"""What tells a shared server of one model: its package, its limits, and whom it answers for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.emit import emit_json
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.serving import callers, network, own_server
from aimass_compiler.render.serving.engine import Served


def objects(served: Served, server: str) -> Iterator[Object]:
    """The model's own objects, beside a server that others have as well: it keeps its name as an address."""
    yield entry(served, server)
    known = served.settings.servers.get(server)
    replicas = 1 if known is None else known.replicas.min
    yield from callers.policy(served.model, served.serving, served.gateway, replicas)
    yield network.service(server, served.model)


def entry(served: Served, server: str) -> dict[str, Any]:
    """The ConfigMap that each server of this name finds by its label and follows.

    A release replaces `image`, so that it reaches the servers without a change of theirs.
    """
    gateway, variables = served.serving.gateway, own_server.variables(served)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": conventions.ENTRY_NAME.format(model=served.model),
            "labels": {conventions.LABEL_SERVER: server},
        },
        "data": {
            conventions.ENTRY_MODEL: served.model,
            conventions.ENTRY_IMAGE: served.model,
            **({conventions.ENTRY_HOST: gateway.host} if gateway else {}),
            **_access(served),
            **{name: value for name, value in variables.items() if name in conventions.MODEL_VARIABLES},
        },
    }


def _access(served: Served) -> dict[str, str]:
    """From where who may ask is brought; nothing where anyone may."""
    access = served.serving.access
    if access is None:
        return {}
    found = list(callers.sources(served.model, access, served.gateway))
    return {conventions.ENTRY_ACCESS: emit_json(found).decode().strip()}
