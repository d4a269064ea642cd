"""The kind of object that a model's servers come of, and what of the objects around it is its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Metadata
    from aimass_compiler.render.object_kind import Object
    from aimass_compiler.render.serving.engine import Served


def _unchanged(document: Object, about: Metadata) -> Object:
    del about
    return document


class ServerPlatform(Struct, frozen=True, kw_only=True):
    """Who runs the servers of a model."""

    workload: Callable[[Metadata, Served], Object]
    """The object that servers come of."""
    scaled: Callable[[str], dict[str, str]] | None
    """Whose number of servers a scaler changes, by the model's name; none where their number is fixed."""
    counts_by_cpu: bool = False
    """Whether its controller makes the autoscaler by CPU."""
    takes_steps: bool = False
    """Whether a Rollout can take its place, so that a new version takes over step by step."""
    service: Callable[[Object, Metadata], Object] = _unchanged
    """The Service of its servers, from the usual one."""
    policy: Callable[[Object, Metadata], Object] = _unchanged
    """Their network policy, from the usual one."""
