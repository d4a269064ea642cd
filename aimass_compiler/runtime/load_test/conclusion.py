"""How a test of the real server ends: its report, and a failure where the server is not fit to serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.workspace import Workspace, write_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def write_service_report(workspace: Workspace, report: Mapping[str, Any], *, is_soak: bool) -> None:
    """Write what was measured; of a soak under another name, because DVC knows this one."""
    write_json(workspace.path(artifacts.SOAK_REPORT if is_soak else artifacts.SERVICE_REPORT), report)


def require_fit_to_serve(faults: Sequence[str], measured: str) -> None:
    """Raise StageFailure with everything that was wrong, in numbers; `measured` says what depends on time."""
    if faults:
        raise StageFailure(
            ExitCode.SERVICE,
            "the served model is not fit to serve:\n" + "\n".join(f"  {fault}" for fault in faults),
            f"{measured} measured on this machine: where it is only busy, run the stage again",
        )
