"""Specs checked without rendering anything: what editors and fixes ask for again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimass_compiler import checks, shared_hosts
from aimass_compiler.compile import lowered
from aimass_compiler.diagnostics import Finding
from aimass_compiler.spec import naming, told_once
from aimass_compiler.spec.reader import Read, parse, read_document
from aimass_compiler.spec.settings_file import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.project import Project
    from aimass_compiler.spec.document import Document

#: Texts that count in the place of what is on disk.
Texts = Mapping["Path", bytes]


@dataclass(frozen=True)
class Checked:
    """What is wrong with specs and settings, and where."""

    findings: tuple[Finding, ...]
    documents: Mapping[str, Document]


def check_specs(project: Project, specs: Sequence[Path], texts: Texts) -> Checked:
    """Everything that compiling finds in these specs and in the settings; others are known by name only."""
    shown, typed = project.shown(project.settings), texts.get(project.settings)
    settings, written, findings = read_settings(project.settings, shown, typed)
    findings += checks.check_settings(written.text, written.file, settings, lambda: project.models(specs))
    documents, of_file = {written.file: written}, {}
    for path in specs:
        document, pipeline, found = lowered(_read(path, project.shown(path), texts), settings, project)
        documents[document.file] = document
        findings += found
        if pipeline:
            of_file[document.file] = pipeline
    others = {project.shown(path): path.stem for path in project.specs()}
    others = {file: name for file, name in others.items() if file not in documents}
    findings += naming.findings({file: pipeline.name for file, pipeline in of_file.items()}, others)
    met = shared_hosts.met(project, settings, shared_hosts.routes(of_file), specs, lowered)
    findings += met.findings
    return Checked(told_once.beside_settings(findings, written.file), met.documents | documents)


def _read(path: Path, shown: str, texts: Texts) -> Read:
    return parse(texts[path], shown) if path in texts else read_document(path, shown)
