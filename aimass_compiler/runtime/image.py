"""The image's build context, put together again: after a package was restored, or the server was updated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.packaging import context

if TYPE_CHECKING:
    from aimass_compiler.runtime.workspace import Workspace


def run(*, workspace: Workspace) -> None:
    """Assemble the context around the package; raises StageFailure where there is no package."""
    package = workspace.folder("package") / "model" / conventions.SIGNATURE_FILE
    if not package.is_file():
        raise StageFailure(
            ExitCode.PACKAGE,
            f"`{workspace.model}` has no package yet",
            f"`aimass run {workspace.model}` makes one, `dvc pull` gets one that was made",
        )
    context.assemble(workspace)
