"""Brings generated/ in step with specs/: compiles what is new, compares, and writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimass_compiler.compile import compile_specs
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.memory import Memory
from aimass_compiler.plan import Plan, compare, snapshot, update
from aimass_compiler.project import Project
from aimass_compiler.spec.document import Document


@dataclass(frozen=True)
class Wish:
    """How generated/ is to be brought in step."""

    is_written: bool = True
    """Or only looked at."""
    prunes_models: bool = False
    """Whether the specs are all there are, so that the folders of other models go."""
    forces: bool = False
    """Whether edits made by hand are given up."""


@dataclass(frozen=True)
class Synchronised:
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
    settled = memory.settled([path.name for path in specs if path.parent == project.specs_folder])
    new = [path for path in specs if path.name not in settled]
    begun = memory.begin([path.name for path in new if path.parent == project.specs_folder])
    compiled = compile_specs(project, new, [path for path in specs if path.name in settled])
    if has_errors(compiled.findings):
        return Synchronised(compiled.findings, compiled.documents, None, is_written=False, settled_files=0)
    plan, problems = _carried_out(project, compiled.files, wish, [Path(name).stem for name in settled], tell)
    is_written = wish.is_written and not has_errors(problems)
    if not (compiled.findings or problems) and (is_written or not plan.is_stale):
        memory.learn(begun)
    findings = (*compiled.findings, *problems)
    return Synchronised(findings, compiled.documents, plan, is_written, sum(settled.values()))


def _carried_out(
    project: Project,
    files: Mapping[str, bytes],
    wish: Wish,
    settled: Sequence[str],
    tell: Callable[[str], None],
) -> tuple[Plan, list[Finding]]:
    """The plan, and what went wrong with it; looked at only, or written as well."""
    known = frozenset(settled)
    if wish.is_written:
        return update(
            files,
            project.generated,
            prune_models=wish.prunes_models,
            force=wish.forces,
            settled=known,
            tell=tell,
        )
    seen = snapshot(project.generated, files, settled=known)
    plan = compare(files, seen, prune_models=wish.prunes_models, force=wish.forces)
    return plan, list(plan.findings)
