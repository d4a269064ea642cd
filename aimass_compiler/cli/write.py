"""Compile one model, and write what it stands for, for commands that go on with it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import spec_of
from aimass_compiler.cli.views import findings, outline

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.project import Project


def brought_up_to_date(project: Project, name: str) -> Pipeline | None:
    """The pipeline of a model whose generated files are now what its spec says; None where that failed.

    Shows what is wrong and what was written. Raises Unknown for a name that no spec has.
    """
    from aimass_compiler.compile import compile_specs
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.impact.consistency import conflicts
    from aimass_compiler.plan import update
    from aimass_compiler.plan.git_merge import resolve_locks, write_attributes

    specs = [spec_of(project, name)]
    unwritten = resolve_locks(project.root, map(project.model_of, specs), terminal.report)
    compiled = compile_specs(project, specs)
    if unwritten or has_errors(compiled.findings):
        findings.show([*compiled.findings, *unwritten], compiled.documents, "people")
        return None
    plan, problems = update(compiled.files, project.generated)
    if not has_errors(problems):
        write_attributes(project.generated)
        problems += conflicts(project.root, compiled.pipelines)
    findings.show([*compiled.findings, *problems], compiled.documents, "people")
    if has_errors(problems):
        return None
    if plan.is_stale:
        sys.stdout.write(outline.drawn(plan, is_written=True) + "\n")
    (pipeline,) = compiled.pipelines.values()
    return pipeline


def pipeline_of(project: Project, name: str) -> Pipeline | None:
    """What the spec of a model says now, written nowhere; None where it has errors, which are shown.

    Raises UnknownName for a name that no spec has.
    """
    from aimass_compiler.compile import compile_specs
    from aimass_compiler.diagnostics import has_errors

    compiled = compile_specs(project, [spec_of(project, name)])
    if has_errors(compiled.findings):
        findings.show(compiled.findings, compiled.documents, "people")
        return None
    (pipeline,) = compiled.pipelines.values()
    return pipeline
