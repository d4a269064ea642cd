"""The engine that moves a stage's rows: this machine's, or Ray's where the one who runs the stage says so."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.engines.local import Local
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.training import Training
from aimass_compiler.runtime.failure import StageFailure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Of this machine's memory, for the results of blocks that wait for their turn; more of them wait on disk.
_OBJECT_STORE_BYTES = 512 * 2**20


@contextmanager
def data_engine(scratch: Path) -> Iterator[Local]:
    """The engine that AIMASS_ENGINE names, with a folder for rows that memory should not hold.

    Raises StageFailure where there is no such engine, or no Ray cluster where RAY_ADDRESS says.
    """
    name = os.environ.get(conventions.ENGINE_VARIABLE) or "local"
    if name not in conventions.ENGINES:
        known = " or ".join(f"`{engine}`" for engine in conventions.ENGINES)
        raise StageFailure(ExitCode.USAGE, f"{conventions.ENGINE_VARIABLE} must be {known}, not `{name}`")
    if name == "local":
        with Local(scratch) as local:
            yield local
        return
    # Ray takes seconds to import, which a run on this machine alone should not pay.
    from aimass_compiler.engines.ray import OnRay
    from aimass_compiler.runtime.training.ray_session import ray_session

    with ray_session(Training(), _OBJECT_STORE_BYTES), OnRay(scratch) as engine:
        yield engine
