"""Brings generated/ and the workflows in step with specs/ and settings: compiles, compares, writes."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.checks import model_names
from aimass_compiler.compile import Compilation, Compiled, compile_specs
from aimass_compiler.compile_cache import Begun, CompileCache
from aimass_compiler.compile_record import Record
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.generate.parallel import Parallel, count_for
from aimass_compiler.generate.project_files import ProjectFiles
from aimass_compiler.generate.recorded_findings import encoded, recorded
from aimass_compiler.generate.workflow_files import NO_WORKFLOWS
from aimass_compiler.plan import Plan, compare, guarded, merged, plan_model, snapshot, write
from aimass_compiler.plan.git_merge import resolve_locks
from aimass_compiler.plan.rendered_files import RenderedFiles
from aimass_compiler.project import Project
from aimass_compiler.spec.yaml.document import Document
from aimass_compiler.spec.yaml.documents import Documents


class GenerateOptions(Struct, frozen=True):
    """How generated/ is brought in step."""

    is_written: bool = True
    """Or only compared."""
    prunes_models: bool = False
    """Whether the specs are all there are, so that the folders of other models go."""
    forces: bool = False
    """Whether edits made by hand are given up."""
    most_contents: int | None = None
    """How many models that change the plan holds the contents of; by default all."""


class Generated(Struct, frozen=True):
    """What was found and planned, and whether it was written."""

    findings: tuple[Finding, ...]
    documents: Mapping[str, Document]
    plan: Plan | None
    """None where a spec has errors: then nothing is planned."""
    is_written: bool = False
    unchanged_files: int = 0
    """Files that had not changed since they were last compiled, and were not looked into."""
    workflows: Plan = NO_WORKFLOWS
    """What changes in the workflows of the repository, and in who approves what."""

    @property
    def has_failed(self) -> bool:
        return has_errors(self.findings)

    @property
    def is_stale(self) -> bool:
        """Whether the disk differs, or did before this, from what the specs stand for."""
        return self.plan is not None and (self.plan.is_stale or self.workflows.is_stale)


def generate(
    project: Project,
    specs: Sequence[Path],
    options: GenerateOptions,
    cache: CompileCache,
    report: Callable[[str], None],
) -> Generated:
    """Compile the specs that the cache does not know; nothing is written when one has errors."""
    beside = _beside(project, specs, options, report)
    names = {path: name for path in specs if (name := project.spec_name(path))}
    known = cache.unchanged([*names.values()])
    warnings = recorded(cache, known)
    new = [path for path in specs if names.get(path) not in known]
    with ExitStack() as processes:
        parts = _Parts(project, cache, processes)
        compiled = compile_specs(project, new, how=parts.compile, cache=cache)
        documents = Documents(compiled.documents, {project.shown(path): path for path in specs})
        if beside or any(finding.file not in _files(compiled) for finding in compiled.findings):
            cache.forget()  # what is wrong beside the specs is then reported by the next compile, too
        once = ProjectFiles(project, compiled, len(specs), cache, is_wanted=options.prunes_models)
        findings = (*compiled.findings, *beside, *once.findings)
        if has_errors(findings):
            return Generated((*warnings, *findings), documents, None)
        if has_errors(once.compared(forces=options.forces)):
            options = replace(options, is_written=False)  # all of it is written, or nothing
        unchanged = {project.model_of(path) for path, name in names.items() if name in known}
        models = {one.model for one in compiled.specs} | unchanged
        plan, problems, records = parts.carry_out(options, models, once, report)
    wanted = options.is_written and not has_errors(problems)
    is_written, more = once.write(is_wanted=wanted, report=report)
    problems += more
    if _of_specs(compiled).issuperset(findings):  # what is between several is looked for each time
        cache.keep(records)
        if is_written or not (plan.is_stale or once.owners_change):
            once.keep(problems)
    reported = tuple(dict.fromkeys([*warnings, *findings, *problems]))
    files = sum(known.values()) + once.unchanged
    return Generated(reported, documents, plan, is_written, files, once.plan)


def _beside(
    project: Project, specs: Sequence[Path], options: GenerateOptions, report: Callable[[str], None]
) -> list[Finding]:
    """What is wrong beside the specs.

    Asked first, because no model counts as unchanged whose dvc.lock has conflict markers.
    """
    found = resolve_locks(project.root, map(project.model_of, specs), report) if options.is_written else []
    return [*found, *model_names.unread(project.strays())] if options.prunes_models else found


def _of_specs(compiled: Compilation) -> set[Finding]:
    """What was found in each spec by itself."""
    return {finding for one in compiled.specs for finding in one.findings}


def _files(compiled: Compilation) -> set[str]:
    return {one.file for one in compiled.specs}


class _Parts:
    """The specs in as many parts as processes pay, each compiled, compared and written by its own."""

    def __init__(self, project: Project, cache: CompileCache, processes: ExitStack) -> None:
        self._project = project
        self._cache = cache
        self._processes = processes
        self._parallel: Parallel[_Part]

    def compile(self, one: Callable[[Path], Compiled], specs: Sequence[Path]) -> Iterable[Compiled]:
        """Each spec compiled, in their order; the files stay where they were rendered."""
        count = count_for(len(specs))
        parts = [_Part(self._project, self._cache, one, specs[place::count]) for place in range(count)]
        if count > 1:
            parts[0].compile_first()  # before processes are forked, so that all have what is built once
            gc.freeze()  # what was built lives on, and no collection in any process has to walk it
        self._parallel = self._processes.enter_context(Parallel(parts))
        found: list[list[Compiled]] = self._parallel.each(_Part.compile)
        return [found[place % count][place // count] for place in range(len(specs))]

    def carry_out(
        self,
        options: GenerateOptions,
        models: Collection[str],
        once: ProjectFiles,
        report: Callable[[str], None],
    ) -> tuple[Plan, list[Finding], dict[str, Record]]:
        """The plan, what is wrong with it, and what is to be recorded; compared only, or written as well."""
        folder = self._project.generated
        models = {*models, conventions.FLEET_FOLDER} if once.has_fleet else models

        def planned() -> Plan:
            step = partial(_Part.compare, forces=options.forces, most_contents=options.most_contents)
            return _whole(self._parallel.each(step), [of_fleet(), self._gone(options, models)])

        def of_fleet() -> Plan:
            if not once.fleet:
                return Plan(shown_as=folder.name)
            return plan_model(once.fleet, folder, force=options.forces)

        def written() -> tuple[Plan, list[Finding]]:
            plan = planned()
            if has_errors(plan.findings) or not plan.is_stale:
                return plan, list(plan.findings)
            parts = self._parallel.each(partial(_Part.write, forces=options.forces))
            problems = [finding for part in parts for finding in part]
            problems += [] if problems else write(of_fleet(), folder)
            problems += [] if problems else write(self._gone(options, models), folder)
            return plan, [*plan.findings, *problems]

        if options.is_written:
            plan, problems = guarded(written, folder, report=report)
        else:
            plan = planned()
            problems = list(plan.findings)
        is_in_step = not has_errors(problems) and (options.is_written or not plan.is_stale)
        parts = self._parallel.each(_Part.recorded) if is_in_step else []
        return plan, problems, {name: record for part in parts for name, record in part.items()}

    def _gone(self, options: GenerateOptions, models: Collection[str]) -> Plan:
        """The plan for what lies in generated/ and belongs to none of these models."""
        folder = self._project.generated
        if not options.prunes_models:
            return Plan(shown_as=folder.name)
        return compare({}, snapshot(folder, (), settled=models), prune_models=True, force=options.forces)


class _Compared(Struct, frozen=True):
    """How a part differs from what is on disk: the whole plan, without contents but for some models."""

    plan: Plan
    contents: Plan


class _Part:
    """Some specs of a project, and what was rendered of them."""

    def __init__(
        self,
        project: Project,
        cache: CompileCache,
        one: Callable[[Path], Compiled],
        specs: Sequence[Path],
    ) -> None:
        self._project = project
        self._folder = project.generated
        self._cache = cache
        self._one = one
        self._to_compile = iter(specs)
        self._compiled: list[Compiled] = []
        self._rendered = RenderedFiles()
        #: By the paths of specs, with their warnings as JSON.
        self._begun: dict[str, tuple[Begun, str]] = {}

    def compile_first(self) -> None:
        """Compile one spec now; `compile` goes on behind it."""
        self._compiled += map(self._compile, islice(self._to_compile, 1))

    def compile(self) -> list[Compiled]:
        self._compiled += map(self._compile, self._to_compile)
        return self._compiled

    def _compile(self, path: Path) -> Compiled:
        """What other processes need to know of one spec; its files are kept here."""
        begun = self._cache.begin(path)
        found = self._one(path)
        if found.files:
            self._rendered.add(found.files)
        findings = None if found.rests_on_files and found.findings else encoded(found.findings)
        if begun and findings is not None:
            self._begun[self._project.spec_name(path)] = begun, findings
        record = f"{found.model}/{conventions.RESOLVED_FILE}"
        files = {record: found.files[record]} if record in found.files else {}
        return replace(found, document=found.document if found.findings else None, pipeline=None, files=files)

    def compare(self, *, forces: bool, most_contents: int | None) -> _Compared:
        """Compare with the disk."""
        plans: list[Plan] = []
        contents: list[Plan] = []
        for files in self._rendered:
            plan = plan_model(files, self._folder, force=forces)
            plans.append(replace(plan, files={}, previous={}))
            if plan.is_stale and (most_contents is None or len(contents) < most_contents):
                contents.append(plan)
        return _Compared(merged(plans), merged(contents))

    def write(self, *, forces: bool) -> list[Finding]:
        """Write what differs; answers what went wrong."""
        findings: list[Finding] = []
        for files in self._rendered:
            plan = plan_model(files, self._folder, force=forces)
            if plan.is_stale:
                findings += write(plan, self._folder)
        return findings

    def recorded(self) -> Mapping[str, Record]:
        """What the cache is to keep, when all is on disk."""
        return self._cache.recorded(self._begun)


def _whole(parts: Sequence[_Compared], beside: Sequence[Plan]) -> Plan:
    """All changes, with contents where people look closer; `beside` are those of no single spec."""
    close = merged([*(part.contents for part in parts), *beside])
    whole = merged([*(part.plan for part in parts), *beside])
    return replace(close, changes=whole.changes, findings=whole.findings, shown_as=beside[-1].shown_as)
