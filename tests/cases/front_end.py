"""A spec on its way from text to findings, as the compiler takes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aimass_compiler import checks
from aimass_compiler.compile import lowered
from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.spec.decode import decode
from aimass_compiler.spec.lower import lower
from aimass_compiler.spec.model_spec import ModelSpec
from aimass_compiler.spec.reader import parse, read_document

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.spec.document import Document

SHOWN = "specs/churn.yaml"


def read(path: Path) -> tuple[Document, list[Finding]]:
    """The document of a spec and everything that is found in it."""
    document, findings = read_document(path, SHOWN)
    if has_errors(findings):
        return document, findings
    return document, lowered((document, findings), Settings())[2]


def told(data: dict[str, Any], settings: str = "") -> list[Finding]:
    """Everything that the compiler finds in a spec of this data, beside an aimass.yaml."""
    chosen = parse(settings, SETTINGS_FILE, may_be_empty=True)[0]
    known, findings = decode(Settings, chosen.data, SETTINGS_FILE)
    document = parse(json.dumps(data, indent=1, ensure_ascii=False), SHOWN)[0]
    return [*findings, *lowered((document, []), known or Settings())[2]]


def checked(data: dict[str, Any], settings: Settings | None = None) -> tuple[Pipeline | None, list[Finding]]:
    """The pipeline of a spec's data and what is wrong with it, whatever the targets make of it."""
    spec, findings = decode(ModelSpec, data, SHOWN)
    if spec is None:
        return None, findings
    pipeline, problems = lower(spec, settings or Settings(), SHOWN)
    findings = [*findings, *problems]
    return pipeline, [*findings, *checks.check(pipeline, SHOWN)] if pipeline else findings


def base(change: str = "") -> dict[str, Any]:
    """The sound spec of the checks' examples with a change in YAML."""
    spec = parse(checks.BASE, SHOWN)[0].data
    return dict(merged(spec, parse(change, SHOWN)[0].data)) if change else spec


def merged(below: Any, above: Any) -> Any:
    """`above` over `below`, mapping by mapping."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {
        key: merged(below.get(key), above[key]) if key in above else below[key] for key in (*below, *above)
    }
