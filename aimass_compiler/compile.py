"""The whole compiler in order: read, decode, lower, check, render."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimass_compiler import checks, render
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.project import Project
from aimass_compiler.spec import naming
from aimass_compiler.spec.decode import decode
from aimass_compiler.spec.document import Document
from aimass_compiler.spec.lower import lower
from aimass_compiler.spec.model_spec import ModelSpec
from aimass_compiler.spec.reader import read_document
from aimass_compiler.spec.settings_file import read_settings


@dataclass(frozen=True)
class Compiled:
    """What the specs stand for: pipelines, the files to generate, and what is wrong with the specs."""

    pipelines: Mapping[str, Pipeline]
    files: Mapping[str, bytes]
    findings: tuple[Finding, ...]
    documents: Mapping[str, Document]


def compile_specs(project: Project, specs: Sequence[Path], settled: Collection[Path] = ()) -> Compiled:
    """Compile the specs in memory; nothing is written. Those that are settled are not even read."""
    settings, written, findings = read_settings(project.settings, project.shown(project.settings))
    documents, of_file = {written.file: written}, {}
    for path in specs:
        document, pipeline, found = compile_one(project, path, settings)
        documents[document.file] = document
        findings += found
        if pipeline:
            of_file[document.file] = pipeline
    findings += checks.check_text(written.text, written.file, settings)
    names = {file: pipeline.name for file, pipeline in of_file.items()}
    findings += naming.findings(names, {project.shown(path): path.stem for path in settled})
    pipelines = {pipeline.name: pipeline for pipeline in of_file.values()}
    files = {} if has_errors(findings) else render.render_all(pipelines)
    return Compiled(pipelines, files, tuple(dict.fromkeys(findings)), documents)


def compile_one(
    project: Project, path: Path, settings: Settings
) -> tuple[Document, Pipeline | None, list[Finding]]:
    """One spec read and checked: what was written, what it stands for, and what is wrong with it."""
    document, findings = read_document(path, project.shown(path))
    pipeline, problems = lowered(document, settings) if not has_errors(findings) else (None, [])
    return document, pipeline, [*findings, *problems]


def lowered(document: Document, settings: Settings) -> tuple[Pipeline | None, list[Finding]]:
    """The pipeline of one document that was read, checked as far as it makes sense."""
    spec, findings = decode(ModelSpec, document.data, document.file)
    findings += checks.check_text(document.text, document.file)
    pipeline, problems = lower(spec, settings, document.file) if spec else (None, [])
    if pipeline:
        problems += [*checks.check(pipeline, document.file), *render.findings(pipeline, document.file)]
    return pipeline, checks.remaining([*findings, *problems], spec, settings, document.file)
