"""Servers that several small models share: how large each is, and what one model takes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from aimass_compiler.catalog.quantities import Bytes, Cores, Frozen
from aimass_compiler.pipeline.serving import Replicas, Resources

if TYPE_CHECKING:
    from aimass_compiler.pipeline.serving import Serving

#: What a small model takes of a shared server where its spec does not say it.
_USUAL = {"cpu": Cores("25m"), "memory": Bytes("8Mi")}
#: How many requests of one model a shared server answers at once.
_CONCURRENCY = 8


class SharedServer(Frozen):
    """A server of several models: those whose specs say `serving: {shared: NAME}`."""

    replicas: Replicas = Field(default_factory=Replicas.default)
    """How many of it run."""
    resources: Resources = Field(default_factory=lambda: Resources(cpu=Cores("1"), memory=Bytes("1Gi")))
    """What each of them needs, for all of its models together."""


def sharing(serving: Serving) -> Serving:
    """The serving of a model in a shared server, every default written out; unchanged for all others.

    Its package comes from its own image, and `resources` are what it takes of the server.
    """
    if serving.shared is None:
        return serving
    resources = serving.resources
    own = {key: value for key, value in _USUAL.items() if key not in resources.model_fields_set}
    limits = serving.limits
    if "concurrency" not in limits.model_fields_set:
        limits = limits.filled(concurrency=_CONCURRENCY)
    return serving.filled(model="volume", resources=resources.filled(**own), limits=limits)
