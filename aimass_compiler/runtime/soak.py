"""The soak: the test stage's load held for longer, with an eye on the server's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.runtime import test
from aimass_compiler.values import Duration

if TYPE_CHECKING:
    from aimass_compiler.pipeline.serving import Limits, Objectives, ServingTests
    from aimass_compiler.runtime.workspace import Workspace
    from aimass_compiler.task import Task


def run(
    task: Task, objectives: Objectives, tests: ServingTests, limits: Limits, *, workspace: Workspace
) -> None:
    """Hold the load for `tests.soak`, or ten minutes; raises StageFailure as the test stage does."""
    test.run(task, objectives, tests, limits, workspace=workspace, soak=tests.soak or Duration("10m"))
