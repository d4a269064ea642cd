"""The soak: the test stage's load held for longer, with an eye on the server's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.quantities import Duration
from aimass_compiler.runtime.stages import test

if TYPE_CHECKING:
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.serving import Limits, Objectives, ServingTests
    from aimass_compiler.runtime.workspace import Workspace


def run(
    task: Task, objectives: Objectives, tests: ServingTests, limits: Limits, *, workspace: Workspace
) -> None:
    """Hold the load for `tests.soak`, or ten minutes; raises StageFailure as the test stage does."""
    test.run(task, objectives, tests, limits, workspace=workspace, soak=tests.soak or Duration("10m"))
