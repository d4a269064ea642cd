"""A share of the specs, compiled, compared and written by one process, step by step as the whole goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from aimass_compiler import render, shared_hosts
from aimass_compiler.compile import lowered
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.memory import Begun, Memory, Model
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.plan import Action, Change, Plan, plan_model, write
from aimass_compiler.project import Project
from aimass_compiler.spec.document import Document
from aimass_compiler.spec.reader import read_document
from aimass_compiler.synchronise.rendered import Rendered


class Found(Struct, frozen=True):
    """What compiling a share told."""

    findings: tuple[Finding, ...]
    documents: Mapping[str, Document]
    """The documents that findings are about."""
    names: Mapping[str, str]
    """The model of each file that describes one."""
    routes: tuple[shared_hosts.Route, ...]
    """Where they are asked from outside."""


class Compared(Struct, frozen=True):
    """How a share differs from what is on disk."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    plan: Plan
    """The plan of the first models that change, with contents, for those who look closer."""


class Written(Struct, frozen=True):
    """What went wrong in writing, and what is to be remembered of the rest."""

    findings: tuple[Finding, ...]
    learnt: Mapping[str, Model]


class Share:
    """Some specs of a project. Nothing is written before `write`."""

    def __init__(self, project: Project, specs: Sequence[Path], settings: Settings, memory: Memory) -> None:
        self._project = project
        self._specs = specs
        self._settings = settings
        self._memory = memory
        self._rendered = Rendered()
        #: Of the specs without findings only: others are told of each time.
        self._begun: dict[str, Begun] = {}

    def compile(self) -> Found:
        """Read, check and render all of it."""
        findings: list[Finding] = []
        documents, of_file = {}, {}
        for path in self._specs:
            begun = self._memory.begin(path)
            read = read_document(path, self._project.shown(path))
            document, pipeline, found = lowered(read, self._settings, self._project)
            findings += found
            if found:
                documents[document.file] = document
            elif begun:
                self._begun[path.name] = begun
            if pipeline is not None:
                of_file[document.file] = pipeline
                if not has_errors(found):
                    self._rendered.add(render.render_all({pipeline.name: pipeline}))
        names = {file: pipeline.name for file, pipeline in of_file.items()}
        return Found(tuple(findings), documents, names, shared_hosts.routes(of_file))

    def compare(self, *, forces: bool, looks_at: int | None) -> Compared:
        """Hold it against the disk; the plan has the contents of so many models that change, or of all."""
        changes: list[Change] = []
        findings: list[Finding] = []
        close: list[Plan] = []
        for files in self._rendered:
            plan = plan_model(files, self._project.generated, force=forces)
            changes += plan.changes
            findings += plan.findings
            if is_changing(plan) and (looks_at is None or len(close) < looks_at):
                close.append(plan)
        return Compared(tuple(changes), tuple(findings), merged(close))

    def write(self, *, forces: bool) -> Written:
        """Write what differs."""
        findings: list[Finding] = []
        for files in self._rendered:
            plan = plan_model(files, self._project.generated, force=forces)
            if is_changing(plan):
                findings += write(plan, self._project.generated)
        return Written(tuple(findings), {} if findings else self.learnt())

    def learnt(self) -> Mapping[str, Model]:
        """What is to be remembered, when all is on disk."""
        return self._memory.learnt(self._begun)


def is_changing(plan: Plan) -> bool:
    """Whether a plan does anything at all."""
    return any(change.action is not Action.UNCHANGED for change in plan.changes)


def merged(plans: Sequence[Plan]) -> Plan:
    """Several plans of different models as one."""
    return Plan(
        changes=tuple(
            sorted((change for plan in plans for change in plan.changes), key=lambda change: change.path)
        ),
        files={path: content for plan in plans for path, content in plan.files.items()},
        previous={path: content for plan in plans for path, content in plan.previous.items()},
        findings=tuple(finding for plan in plans for finding in plan.findings),
        shown_as=plans[0].shown_as if plans else "",
    )
