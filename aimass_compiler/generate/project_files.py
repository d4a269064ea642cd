"""What is made once for a project beside the files of each model: its fleet, workflows, and who approves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.generate.fleet_files import FleetFiles
from aimass_compiler.generate.workflow_files import NO_WORKFLOWS, WorkflowFiles
from aimass_compiler.plan import Files, Plan, merged
from aimass_compiler.plan.git_merge import write_attributes

if TYPE_CHECKING:
    from aimass_compiler.compile import Compilation
    from aimass_compiler.compile_cache import CompileCache
    from aimass_compiler.project import Project


class ProjectFiles:
    """Nothing at all where only some models are compiled.

    Call `compared` before anything is written, then `write`, then `keep`.
    """

    def __init__(
        self, project: Project, compiled: Compilation, models: int, cache: CompileCache, *, is_wanted: bool
    ) -> None:
        self._project, self._models, self._cache = project, models, cache
        self._fleet = FleetFiles(project, compiled, cache) if is_wanted else None
        self._workflows: WorkflowFiles | None = None

    @property
    def findings(self) -> Sequence[Finding]:
        """What is wrong with the fleet."""
        return self._fleet.findings if self._fleet else ()

    @property
    def fleet(self) -> Files:
        """The files of generated/fleet/ that are to be looked into."""
        return self._fleet.files if self._fleet else {}

    @property
    def has_fleet(self) -> bool:
        """Whether there is to be such a folder."""
        return self._fleet is not None and self._fleet.is_there

    @property
    def unchanged(self) -> int:
        """How many files are as the cache has them."""
        return sum(each.unchanged for each in (self._fleet, self._workflows) if each)

    @property
    def plan(self) -> Plan:
        """What changes below .github/."""
        plans = [each for each in (self._workflows and self._workflows.plan, self._owners) if each]
        return merged(plans) if plans else NO_WORKFLOWS

    @property
    def owners_change(self) -> bool:
        """Whether it changes who approves what."""
        return self._owners is not None and self._owners.is_stale

    @property
    def _owners(self) -> Plan | None:
        return self._fleet.beside if self._fleet else None

    def compared(self, *, forces: bool) -> Sequence[Finding]:
        """Compare the workflows with the disk; what is wrong with them."""
        if self._fleet is None:
            return ()
        self._workflows = WorkflowFiles(self._project, self._models, self._cache)
        return self._workflows.compared(forces=forces).findings

    def write(self, *, is_wanted: bool, report: Callable[[str], None]) -> tuple[bool, list[Finding]]:
        """Write what differs where it `is_wanted`; whether all of it is written, and what is wrong."""
        problems: list[Finding] = []
        if self._workflows is not None:
            problems += self._workflows.carry_out(is_written=is_wanted, report=report)
        if not is_wanted or has_errors(problems):
            return False, problems
        write_attributes(self._project.generated)
        return True, problems + (self._fleet.write_beside() if self._fleet else [])

    def keep(self, problems: Sequence[Finding]) -> None:
        """Record that the fleet is in step, unless something went wrong."""
        if self._fleet and not has_errors(problems):
            self._fleet.keep()
