"""Brings generated/ in step with specs/: compiles what is new, compares, and writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler import checks, conventions, shared_hosts
from aimass_compiler.compile import lowered
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.memory import Memory, Model
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.plan import Plan, compare, guarded, snapshot, write
from aimass_compiler.plan.git_attributes import write_attributes
from aimass_compiler.project import Project
from aimass_compiler.spec import naming, told_once
from aimass_compiler.spec.document import Document
from aimass_compiler.spec.settings_file import read_settings
from aimass_compiler.synchronise.locks import resolve
from aimass_compiler.synchronise.processes import Together, count_for
from aimass_compiler.synchronise.share import Compared, Found, Share, Written, merged


class Wish(Struct, frozen=True):
    """How generated/ is to be brought in step."""

    is_written: bool = True
    """Or only looked at."""
    prunes_models: bool = False
    """Whether the specs are all there are, so that the folders of other models go."""
    forces: bool = False
    """Whether edits made by hand are given up."""
    looks_at: int | None = None
    """How many models that change the plan shall hold the contents of; by default all."""


class Synchronised(Struct, frozen=True):
    """What was found and planned, and whether it was written."""

    findings: tuple[Finding, ...]
    documents: Mapping[str, Document]
    plan: Plan | None
    """None where a spec has errors: then nothing is planned."""
    is_written: bool
    settled_files: int
    """Files of models that had not changed since they were last compiled, and were not looked into."""

    @property
    def has_failed(self) -> bool:
        return has_errors(self.findings)

    @property
    def is_stale(self) -> bool:
        """Whether the disk differs, or did before this, from what the specs stand for."""
        return self.plan is not None and self.plan.is_stale


def synchronise(
    project: Project, specs: Sequence[Path], wish: Wish, memory: Memory, tell: Callable[[str], None]
) -> Synchronised:
    """Compile the specs that are new since the memory's time; nothing is written when one has errors."""
    # First, because the manifests name the image of the package that a dvc.lock has on record.
    unwritten = resolve(project.root, [path.stem for path in specs], tell) if wish.is_written else []
    known = memory.settled([path.name for path in specs if path.parent == project.specs_folder])
    settled = [path for path in specs if path.name in known]
    new = [path for path in specs if path.name not in known]
    settings, written, findings = read_settings(project.settings, project.shown(project.settings))
    findings += checks.check_settings(written.text, written.file, settings, lambda: project.models(specs))
    findings += unwritten
    if wish.prunes_models:
        findings += naming.unread(project.strays())
    if findings:
        memory.forget()  # so that the next compile reports them, too
    with Together(_shares(project, new, settings, memory)) as together:
        models, documents, more = _compiled(project, settled, new, settings, memory, together)
        found = told_once.beside_settings([*findings, *more], written.file)
        documents[written.file] = written
        if has_errors(found):
            return Synchronised(found, documents, None, is_written=False, settled_files=0)
        plan, problems, learnt = _carried_out(project, together, wish, models, tell)
    is_written = wish.is_written and not has_errors(problems)
    if is_written:
        write_attributes(project.generated)
    if not found:
        memory.keep(learnt)
    reported = tuple(dict.fromkeys([*found, *problems]))
    return Synchronised(reported, documents, plan, is_written, sum(known.values()))


def _shares(project: Project, specs: Sequence[Path], settings: Settings, memory: Memory) -> list[Share]:
    """The specs in as many parts as processes pay; neighbours take about as long."""
    count = count_for(len(specs))
    if count > 1:
        # Once before the processes are forked, so that all of them have what is built once.
        Share(project, specs[:1], settings, memory).compile()
    return [Share(project, specs[place::count], settings, memory) for place in range(count)]


def _compiled(
    project: Project,
    settled: Sequence[Path],
    new: Sequence[Path],
    settings: Settings,
    memory: Memory,
    together: Together,
) -> tuple[set[str], dict[str, Document], list[Finding]]:
    """The names of all models, the documents that findings are about, and what is wrong with the specs."""
    found: list[Found] = together.each(Share.compile)
    findings = [finding for part in found for finding in part.findings]
    names = {file: name for part in found for file, name in part.names.items()}
    others = {f"{conventions.SPECS_FOLDER}/{path.name}": path.stem for path in settled}
    findings += naming.findings(names, others)
    routes = [route for part in found for route in part.routes]
    met = shared_hosts.met(project, settings, routes, new, lowered, memory)
    documents = met.documents | {file: each for part in found for file, each in part.documents.items()}
    return {*names.values(), *others.values()}, documents, [*findings, *met.findings]


def _carried_out(
    project: Project, together: Together, wish: Wish, models: Collection[str], tell: Callable[[str], None]
) -> tuple[Plan, list[Finding], dict[str, Model]]:
    """The plan, what is wrong with it, and what is to be remembered; looked at only, or written as well."""
    learnt: dict[str, Model] = {}

    def planned() -> Plan:
        parts: list[Compared] = together.each(
            partial(Share.compare, forces=wish.forces, looks_at=wish.looks_at)
        )
        return _whole(parts, _gone(project, wish, models))

    def written() -> tuple[Plan, list[Finding]]:
        plan = planned()
        if has_errors(plan.findings) or not plan.is_stale:
            return plan, list(plan.findings)
        parts: list[Written] = together.each(partial(Share.write, forces=wish.forces))
        problems = [finding for part in parts for finding in part.findings]
        if not problems:
            problems += write(_gone(project, wish, models), project.generated)
        for part in parts:
            learnt.update(part.learnt)
        return plan, [*plan.findings, *problems]

    if wish.is_written:
        plan, problems = guarded(written, project.generated, tell=tell)
    else:
        plan = planned()
        problems = list(plan.findings)
    if not plan.is_stale:
        for part in together.each(Share.learnt):
            learnt.update(part)
    return plan, problems, learnt


def _gone(project: Project, wish: Wish, models: Collection[str]) -> Plan:
    """The plan for what lies in generated/ and belongs to none of these models."""
    if not wish.prunes_models:
        return Plan(shown_as=project.generated.name)
    return compare({}, snapshot(project.generated, (), settled=models), prune_models=True, force=wish.forces)


def _whole(parts: Sequence[Compared], gone: Plan) -> Plan:
    """All changes, with contents where somebody looks closer."""
    close = merged([*(part.plan for part in parts), gone])
    changes = [change for part in parts for change in part.changes] + list(gone.changes)
    findings = [finding for part in parts for finding in part.findings] + list(gone.findings)
    changes.sort(key=lambda change: change.path)
    return replace(close, changes=tuple(changes), findings=tuple(findings), shown_as=gone.shown_as)
