"""The whole compiler in order: read, decode, lower, check, render."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from aimass_compiler import checks, render, shared_hosts
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.project import Project
from aimass_compiler.recorded_package import recorded_package
from aimass_compiler.spec import enough, naming, told_once
from aimass_compiler.spec.decode import decode
from aimass_compiler.spec.document import Document
from aimass_compiler.spec.lower import lower
from aimass_compiler.spec.model_spec import ModelSpec
from aimass_compiler.spec.reader import Read, read_document
from aimass_compiler.spec.settings_file import read_settings


class Compiled(Struct, frozen=True):
    """What the specs stand for: pipelines, the files to generate, and what is wrong with the specs."""

    pipelines: Mapping[str, Pipeline]
    files: Mapping[str, bytes]
    findings: tuple[Finding, ...]
    documents: Mapping[str, Document]


def compile_specs(project: Project, specs: Sequence[Path]) -> Compiled:
    """Compile the specs in memory; nothing is written."""
    settings, written, findings = read_settings(project.settings, project.shown(project.settings))
    findings += checks.check_settings(written.text, written.file, settings, lambda: project.models(specs))
    documents, of_file = {written.file: written}, {}
    for path in specs:
        document, pipeline, found = lowered(read_document(path, project.shown(path)), settings, project)
        documents[document.file] = document
        findings += found
        if pipeline:
            of_file[document.file] = pipeline
    met = shared_hosts.met(project, settings, shared_hosts.routes(of_file), specs, lowered)
    findings += naming.findings({file: pipeline.name for file, pipeline in of_file.items()}, {})
    findings, documents = findings + met.findings, documents | met.documents
    pipelines = {pipeline.name: pipeline for pipeline in of_file.values()}
    files = {} if has_errors(findings) else render.render_all(pipelines)
    return Compiled(pipelines, files, told_once.beside_settings(findings, written.file), documents)


def lowered(
    read: Read, settings: Settings, project: Project | None = None
) -> tuple[Document, Pipeline | None, list[Finding]]:
    """What a document that was read stands for, checked as far as that makes sense, and all that is wrong."""
    document, findings = read
    file = document.file
    if has_errors(findings):
        return document, None, findings
    spec, problems = decode(ModelSpec, document.data, file, document.written)
    pipeline, more = lower(spec, settings, file) if spec else (None, [])
    if pipeline and project and (packaged := recorded_package(project.generated, pipeline.name)):
        pipeline = pipeline.model_copy(update={"packaged": packaged})
    judged = [*checks.check(pipeline, file), *render.findings(pipeline, file)] if pipeline else []
    more += told_once.without_consequences(judged, problems) + checks.check_text(document.text, file)
    findings = findings + checks.remaining([*problems, *more], spec, settings, file)
    return document, pipeline, enough.first(told_once.in_one_place(findings, document))
