"""What is made once for all models of a project, with the promises of generated/."""

from __future__ import annotations

from collections.abc import Iterable

from aimass_compiler import conventions, fleet
from aimass_compiler.compile import Compilation
from aimass_compiler.compile_cache import CompileCache
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.fleet.part import Fleet
from aimass_compiler.generate.code_owners_file import NOTHING_CHANGES, CodeOwnersFile
from aimass_compiler.plan import Files, Plan
from aimass_compiler.project import Project


class FleetFiles:
    """What is to lie in generated/fleet/, rendered unless the cache knows that nothing of it changes."""

    def __init__(self, project: Project, compiled: Compilation, cache: CompileCache) -> None:
        self._cache = cache
        self._specs = [project.spec_name(path) for path in project.specs()]
        self.files: Files = {}
        """By their path below generated/."""
        self.findings: list[Finding] = []
        known = None if compiled.specs else cache.unchanged_fleet(self._specs)
        self.unchanged = known or 0
        """How many files are as the cache has them, and are not looked into."""
        self._owners: CodeOwnersFile | None = None
        if known is None and not has_errors(compiled.findings):
            self.files, self.findings = rendered(project, compiled)
            self._owners = CodeOwnersFile(project.root, compiled.organisation)
            self.findings += self._owners.findings

    @property
    def is_there(self) -> bool:
        """Whether there is a folder of them."""
        return bool(self.files or self.unchanged)

    @property
    def beside(self) -> Plan:
        """What changes beside generated/: who approves what, as GitHub reads it."""
        return self._owners.plan if self._owners else NOTHING_CHANGES

    def write_beside(self) -> list[Finding]:
        """Bring that in step; answers what went wrong."""
        return self._owners.write() if self._owners else []

    def keep(self) -> None:
        """Record that all of it is in step."""
        if not self.unchanged:
            self._cache.keep_fleet(self._specs)


def rendered(project: Project, compiled: Compilation) -> tuple[Files, list[Finding]]:
    """The files of the fleet by their path below generated/, and what is wrong with it.

    Of models that were not compiled now, what was generated for them counts.
    """
    if not fleet.is_wanted(compiled.organisation):
        return {}, []
    there = project.models()
    records = {**_written(project, there - {one.model for one in compiled.specs}), **_compiled(compiled)}
    found = Fleet(compiled.organisation, records)
    findings = list(fleet.findings(found))
    return ({} if has_errors(findings) else fleet.render(found)), findings


def _compiled(compiled: Compilation) -> dict[str, bytes]:
    files = {one.model: one.files.get(f"{one.model}/{conventions.RESOLVED_FILE}") for one in compiled.specs}
    return {model: content for model, content in files.items() if content is not None}


def _written(project: Project, models: Iterable[str]) -> dict[str, bytes]:
    paths = {model: project.generated / model / conventions.RESOLVED_FILE for model in models}
    return {model: path.read_bytes() for model, path in paths.items() if path.is_file()}
