"""The whole compiler in order, for every command: read, decode, lower, check, render, report. Start here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import partial
from pathlib import Path

from msgspec import Struct, structs

from aimass_compiler import checks, model_path, render
from aimass_compiler.catalog.base_config import BaseFacts, read_base
from aimass_compiler.checks import (
    base_model,
    mirrored_models,
    model_names,
    policy,
    project_code,
    served_adapters,
    shared_hosts,
)
from aimass_compiler.compile_cache import CompileCache, open_cache
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.pipeline.policy import NO_POLICIES, Policies
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.project import Project, team_of_spec
from aimass_compiler.spec.decode.decoder import decode, failed_parts
from aimass_compiler.spec.decode.lower import lower
from aimass_compiler.spec.decode.model_spec import ModelSpec
from aimass_compiler.spec.decode.organisation_files import read_organisation
from aimass_compiler.spec.decode.shared_parts import with_shared_parts, without_fixes
from aimass_compiler.spec.report import as_written, reported, reported_each
from aimass_compiler.spec.yaml.document import Document
from aimass_compiler.spec.yaml.reader import Read, read_document, read_text


class Upto(Enum):
    """How far specs are compiled."""

    CHECK = "check"
    RENDER = "render"


class Compiled(Struct, frozen=True):
    """What one spec stands for, and what is wrong with it."""

    file: str
    document: Document | None
    findings: Sequence[Finding]
    name: str = ""
    """The model's; empty where the spec does not say it."""
    pipeline: Pipeline | None = None
    """None where a part of the spec is not what was meant."""
    routes: tuple[shared_hosts.Route, ...] = ()
    """Where the model is called from outside."""
    files: Mapping[str, bytes] = {}
    """What is to be generated; nothing where the spec has errors."""
    rests_on_files: bool = False
    """Whether its findings are also of files beside the spec: those of the base of a language model."""

    @property
    def model(self) -> str:
        """The model by its path; empty where the spec does not say its name."""
        return model_path.path_of(team_of_spec(self.file), self.name) if self.name else ""


class Compilation(Struct, frozen=True):
    """What specs stand for, what is wrong with them and with the settings, and the documents of both."""

    specs: Sequence[Compiled]
    findings: tuple[Finding, ...]
    documents: Mapping[str, Document]
    organisation: Organisation

    @property
    def pipelines(self) -> dict[str, Pipeline]:
        """By the paths of their models."""
        return {one.pipeline.path: one.pipeline for one in self.specs if one.pipeline}

    @property
    def files(self) -> dict[str, bytes]:
        """What is to be generated; nothing where any spec has errors."""
        if has_errors(self.findings):
            return {}
        return dict(sorted((path, file) for one in self.specs for path, file in one.files.items()))


#: How each of several specs is compiled: `map`, one after the other; or in processes.
How = Callable[[Callable[[Path], Compiled], Sequence[Path]], Iterable[Compiled]]


def compile_specs(  # what is compiled, how far, and how
    project: Project,
    specs: Sequence[Path],
    *,
    upto: Upto = Upto.RENDER,
    texts: Mapping[Path, bytes] | None = None,
    how: How = map,
    cache: CompileCache | None = None,
) -> Compilation:
    """Compile specs in memory; nothing is written. `texts` count in the place of what is on disk."""
    texts, shown = texts or {}, project.shown(project.settings)
    organisation, written, findings = read_organisation(project, texts)
    settings, listed = organisation.settings, project.specs()
    for file, document in written.items():
        findings += checks.check_settings(document.text, file, settings)
    findings = reported_each(findings, written)
    failed = frozenset({"settings", "environments"} if has_errors(findings) else ())
    one = partial(_compile_file, project, organisation, failed, texts)
    compiled = list(how(partial(one, upto), specs))
    findings += [found for each in compiled for found in each.findings]
    documents = {each.file: each.document for each in compiled if each.document} | written
    own = {*map(os.path.abspath, specs)}
    others = {project.shown(path): path for path in listed if str(path) not in own}
    findings += model_names.findings(compiled, others)
    findings += project_code.findings(compiled, project.root)
    findings += served_adapters.findings(compiled)
    findings += mirrored_models.findings(compiled, {project.model_of(path) for path in (*listed, *specs)})
    if routes := [route for each in compiled for route in each.routes]:
        names = [project.spec_name(path) for path in others.values()]
        known = (cache or open_cache(str(project.root))).pipelines(names)
        theirs = shared_hosts.routes_of(others, known, settings, lambda path: one(Upto.CHECK, path).routes)
        findings += checks.remaining([*shared_hosts.findings(routes, theirs)], None, settings, shown)
    paths = others | {each.file: path for each, path in zip(compiled, specs, strict=True)}
    named = {file for found in findings for file in (found.file, *(note.file for note in found.related))}
    missing = (named & paths.keys()) - documents.keys()
    documents |= {file: read_document(paths[file], file)[0] for file in sorted(missing)}
    return Compilation(compiled, tuple(dict.fromkeys(findings)), documents, organisation)


def _compile_file(
    project: Project,
    organisation: Organisation,
    failed: frozenset[str],
    texts: Mapping[Path, bytes],
    upto: Upto,
    path: Path,
) -> Compiled:
    shown = project.shown(path)
    read = read_text(path, shown, texts)
    known, rules = organisation.settings_of(project.model_of(path)), organisation.policies
    whole, missing = with_shared_parts(read[0], organisation.shared)
    failed |= {"data", "features"} if missing else frozenset()
    read_folder = partial(_base_below, project.root)
    found = compile_spec((whole, read[1]), known, failed, upto, read_folder, rules)
    return structs.replace(found, findings=[*missing, *without_fixes(found.findings, read[0], whole)])


def _base_below(root: Path, folder: str) -> BaseFacts | None:
    return read_base(root / folder)


def compile_spec(
    read: Read,
    settings: Settings,
    failed: frozenset[str] = frozenset(),
    upto: Upto = Upto.RENDER,
    bases: base_model.Bases = base_model.no_base,
    rules: Policies = NO_POLICIES,
) -> Compiled:
    """What one text stands for: a pure function of it, the settings and the rules of the organisation.

    `failed` are parts that are not what was meant, because the settings are wrong. What is known of `bases`,
    folders with language models, is held against the spec, and changes nothing that is generated.
    """
    document, findings = read
    file = document.file
    if has_errors(findings):
        return Compiled(file, document, reported(findings, document))
    spec, wrong = decode(ModelSpec, document.data, file, document.written)
    if spec is None:
        return Compiled(file, document, reported([*findings, *wrong], document))
    failed |= failed_parts(ModelSpec, document.data, wrong)
    pipeline, more, failed = lower(spec, settings, file, failed)
    known, problems = base_model.with_folder(pipeline, bases, file)
    more += checks.in_sound_parts(problems, file, failed)
    more += checks.check(known, file, failed)
    more += checks.in_sound_parts(render.findings(pipeline, file), file, failed)
    more += policy.findings(rules, pipeline, file, failed)
    more += checks.check_text(document.text, file)
    findings = findings + checks.remaining([*wrong, *more], spec, settings, file)
    name = "" if checks.is_failed("metadata.name", failed) else pipeline.name
    found = reported([as_written(finding, settings) for finding in findings], document)
    routes = shared_hosts.routes(file, pipeline, failed)
    if failed:
        return Compiled(file, document, found, name, routes=routes)
    is_rendered = upto is Upto.RENDER and not has_errors(found)
    files = render.render_all({pipeline.path: pipeline}) if is_rendered else {}
    return Compiled(file, document, found, name, pipeline, routes, files, base_model.is_folder(pipeline))
