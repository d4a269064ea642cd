"""A spec on its way from text to findings, as the compiler takes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aimass_compiler import checks
from aimass_compiler.compile import Upto, compile_spec, compile_specs
from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.project import Project
from aimass_compiler.spec.decode.decoder import decode, failed_parts
from aimass_compiler.spec.decode.lower import lower
from aimass_compiler.spec.decode.model_spec import ModelSpec
from aimass_compiler.spec.edits.fixes import FixResult, fix
from aimass_compiler.spec.yaml.reader import parse, read_document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.spec.yaml.document import Document

SHOWN = "specs/churn.yaml"


def read(path: Path) -> tuple[Document, list[Finding]]:
    """The document of a spec and everything that is found in it."""
    found = compile_spec(read_document(path, SHOWN), Settings())
    assert found.document is not None
    return found.document, [*found.findings]


def told(data: dict[str, Any], settings: str = "") -> list[Finding]:
    """Everything that the compiler finds in a spec of this data, beside an aimass.yaml."""
    chosen = parse(settings, SETTINGS_FILE, may_be_empty=True)[0]
    known, findings = decode(Settings, chosen.data, SETTINGS_FILE)
    document = parse(json.dumps(data, indent=1, ensure_ascii=False), SHOWN)[0]
    failed = frozenset({"settings", "environments"} if has_errors(findings) else ())
    return [*findings, *compile_spec((document, []), known or Settings(), failed=failed).findings]


def checked(data: dict[str, Any], settings: Settings | None = None) -> tuple[Pipeline | None, list[Finding]]:
    """The pipeline of a spec's data and what is wrong with it, whatever the targets make of it."""
    spec, findings = decode(ModelSpec, data, SHOWN)
    if spec is None:
        return None, findings
    pipeline, problems, failed = lower(
        spec, settings or Settings(), SHOWN, failed_parts(ModelSpec, data, findings)
    )
    findings = [*findings, *problems, *checks.check(pipeline, SHOWN, failed)]
    return None if failed else pipeline, findings


def fixed(root: Path, specs: Sequence[Path], *, is_unsafe_too: bool = False) -> FixResult:
    """The specs of a project, fixed in memory."""
    project = Project(root)
    return fix(
        lambda texts: compile_specs(project, specs, upto=Upto.CHECK, texts=texts),
        {project.shown(path): path for path in specs},
        is_unsafe_too=is_unsafe_too,
    )


def changed(example: checks.Example, change: str) -> dict[str, Any]:
    """The sound spec that an example changes, with a change in YAML."""
    return base(change, checks.LANGUAGE if example.of == "language" else checks.BASE)


def base(change: str = "", sound: str = checks.BASE) -> dict[str, Any]:
    """The sound spec of the checks' examples with a change in YAML."""
    spec = parse(sound, SHOWN)[0].data
    return dict(merged(spec, parse(change, SHOWN)[0].data)) if change else spec


def merged(below: Any, above: Any) -> Any:
    """`above` over `below`, mapping by mapping."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {
        key: merged(below.get(key), above[key]) if key in above else below[key] for key in (*below, *above)
    }
