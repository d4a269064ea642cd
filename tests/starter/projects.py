"""A project with one data file, and the spec that is proposed from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.compile import Upto, compile_spec
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.runtime.stages import prepare
from aimass_compiler.runtime.workspace import Workspace
from aimass_compiler.spec.yaml.reader import parse
from aimass_compiler.starter import InitOptions, propose

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.diagnostics import Finding
    from aimass_compiler.pipeline import Pipeline


def proposed(root: Path, file: str, content: bytes | str, target: str | None = None) -> str:
    """The text of the spec that is proposed from a file with this content; fails where there is none."""
    text, findings = attempted(root, file, content, target)
    assert findings == []
    return text


def attempted(
    root: Path, file: str, content: bytes | str, target: str | None = None
) -> tuple[str, list[Finding]]:
    """What `propose` answers for a file with this content."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    text, findings, _ = propose(path, file, "demo", InitOptions(target))
    return text, findings


def data_of(text: str) -> dict[str, Any]:
    """What a spec's text holds; fails where its YAML draws a finding."""
    document, findings = parse(text, "specs/demo.yaml")
    assert findings == []
    return document.data


def compiled(text: str) -> Pipeline:
    """The pipeline that a spec's text stands for; fails on any finding but that rows have times."""
    one = compile_spec(parse(text, "specs/demo.yaml"), Settings(), upto=Upto.CHECK)
    pipeline, findings = one.pipeline, one.findings
    assert {finding.code for finding in findings} <= {"AM265"}
    assert pipeline is not None
    return pipeline


def prepared(pipeline: Pipeline, root: Path) -> None:
    """Run the stage that holds the data to the contract; raises StageFailure where it breaks it."""
    prepare.run(pipeline.data, pipeline.task, workspace=Workspace(root, pipeline.name))
