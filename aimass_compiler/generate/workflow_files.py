"""Brings `.github/workflows/aimass-*.yml` in step with the settings, with the promises of generated/."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aimass_compiler import conventions, workflows
from aimass_compiler.compile_cache import CompileCache
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.plan import Files, Plan, compare, guarded, snapshot, write
from aimass_compiler.project import Project
from aimass_compiler.spec.decode.settings_file import read_settings

_FOLDER = conventions.GITHUB_FOLDER
NO_WORKFLOWS = Plan(shown_as=_FOLDER)


class WorkflowFiles:
    """The compiler's workflows of one project; those of people are not looked at.

    Call `compared` first, then `carry_out`.
    """

    def __init__(self, project: Project, models: int, cache: CompileCache) -> None:
        self._folder = project.root / _FOLDER
        self._models = models
        self._cache = cache
        known = cache.unchanged_workflows(models)
        self.unchanged = known or 0
        """How many files are as the cache has them, and are not looked into."""
        self._files: Files | None = None if known is not None else _rendered(project, models)
        self._forces = False
        self.plan = NO_WORKFLOWS

    def compared(self, *, forces: bool) -> Plan:
        """How what the settings ask for differs from the disk; edits by hand are errors, or are given up."""
        self._forces = forces
        self.plan = NO_WORKFLOWS if self._files is None else _planned(self._folder, self._files, forces)
        return self.plan

    def carry_out(self, *, is_written: bool, report: Callable[[str], None]) -> list[Finding]:
        """Write what differs where it `is_written`, and record what is in step; answers what is wrong."""
        files, problems = self._files, list(self.plan.findings)
        if files is None:
            return []
        if is_written and self.plan.is_stale:

            def written() -> tuple[Plan, list[Finding]]:
                planned = _planned(self._folder, files, self._forces)
                return planned, write(planned, self._folder)

            self.plan, problems = guarded(written, self._folder, shown_as=_FOLDER, report=report)
        if not has_errors(problems) and (is_written or not self.plan.is_stale):
            self._cache.keep_workflows(self._models)
        return problems


def _rendered(project: Project, models: int) -> Files:
    settings, _, _ = read_settings(project.settings, project.shown(project.settings))
    return workflows.render(settings, models)


def _planned(folder: Path, files: Files, forces: bool) -> Plan:
    """The plan for the compiler's workflows alone, also where none is wanted any more."""
    known = [*files, f"{conventions.WORKFLOWS_FOLDER}/aimass-check.yml"]
    seen = snapshot(folder, known, _FOLDER, others=False)
    return compare(files, seen, prune_models=True, force=forces)
