"""The resources of the pod of a scheduled job."""

from __future__ import annotations

from aimass_compiler.catalog.quantities import Bytes, Cores, Frozen, Memory


class JobResources(Frozen):
    """What the pod asks for and may not exceed."""

    cpu: Cores = Cores("1")
    """Cores."""
    memory: Memory = Bytes("2Gi")
    """Memory."""
