"""Compile one model and write what it stands for, for commands that go on with it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.choosing import specs_of
from aimass_compiler.cli.views import changes, findings

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.project import Project


def brought_up_to_date(project: Project, name: str) -> Pipeline | None:
    """The pipeline of a model whose generated files are now what its spec says; None where that failed.

    Shows what is wrong and what was written. Raises Unknown for a name that no spec has.
    """
    from aimass_compiler.compile import compile_specs
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.effects.consistency import conflicts
    from aimass_compiler.plan import update
    from aimass_compiler.plan.git_attributes import write_attributes
    from aimass_compiler.synchronise.locks import resolve

    specs = specs_of(project, [name])
    unwritten = resolve(project.root, [path.stem for path in specs], terminal.tell)
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
        sys.stdout.write(changes.drawn(plan, is_written=True) + "\n")
    (pipeline,) = compiled.pipelines.values()
    return pipeline


def image_follows(project: Project, name: str) -> None:
    """Let the manifests name the image of the package that DVC has just recorded, and say what to commit."""
    from aimass_compiler.compile import compile_specs
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.plan import update

    compiled = compile_specs(project, specs_of(project, [name]))
    if has_errors(compiled.findings):
        return  # the spec was edited during the run: the next compile reports it
    plan, problems = update(compiled.files, project.generated)
    findings.show(problems, compiled.documents, "people")
    if plan.is_stale and not has_errors(problems):
        folder = f"{conventions.GENERATED_FOLDER}/{name}"
        print(f"the manifests name the image of this package now: commit {folder} with its dvc.lock")
