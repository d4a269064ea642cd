"""What is known of a trained candidate: what moved, how it compares, and why it may not be proposed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.engines.row_changes import row_changes
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.diagnosis import Diagnosis, diagnoses
from aimass_compiler.releases import version_record
from aimass_compiler.stages import artifacts
from aimass_compiler.stages.result_file import read_result


def is_newest_version(root: Path, model: str) -> bool:
    """Whether the package that lies in artifacts/ is that of the newest version."""
    manifest = root / conventions.ARTIFACTS_FOLDER / model / artifacts.MANIFEST
    newest = next(reversed(version_record.versions_of(root, model)), None)
    return newest is not None and hashlib.sha256(manifest.read_bytes()).hexdigest() == newest.package


def judged(root: Path, model: str, causes: Sequence[str], status: int) -> dict[str, Any]:
    """All that is known of a candidate whose run ended so; left in candidate.json, for who reads it later."""
    folder = root / conventions.ARTIFACTS_FOLDER / model
    is_measured = status in (ExitCode.DONE, ExitCode.GATE)
    verdict = read_result(folder / artifacts.VERDICT) if is_measured else {}
    metrics = read_result(folder / artifacts.METRICS) if is_measured else {}
    comparison = read_result(folder / artifacts.COMPARISON) if is_measured else {}
    production, changes = read_result(folder / artifacts.PRODUCTION), _changes_since_release(folder)
    wrong = diagnoses(verdict, metrics, changes, comparison)
    known = document(model, causes, changes, comparison, production, wrong)
    if status == ExitCode.DONE:  # otherwise the package is that of an earlier run
        known["requests"] = read_result(folder / artifacts.SHADOW)
    known["missed"] = [each["reason"] for each in verdict.get("gates", ()) if not each["passed"]]
    text = json.dumps(known, indent=2, ensure_ascii=False) + "\n"
    (folder / artifacts.CANDIDATE).write_text(text, encoding="utf-8")
    return known


def document(
    model: str,
    causes: Sequence[str],
    changes: Mapping[str, Any],
    comparison: Mapping[str, Any],
    production: Mapping[str, Any],
    found: Sequence[Diagnosis],
) -> dict[str, Any]:
    """What candidate.json has."""
    return {
        "model": model,
        "causes": list(causes),
        "rows": dict(changes),
        "comparison": dict(comparison),
        "production": dict(production),
        "diagnosis": [each.document() for each in found],
    }


def failure(known: Mapping[str, Any], status: int) -> str:
    """Why the candidate is not to be proposed; nothing where it is."""
    if status == ExitCode.GATE:
        return "it missed a gate: " + "; ".join(known["missed"])
    if status != ExitCode.DONE:
        return next((code.meaning for code in ExitCode if code == status), f"the run ended with {status}")
    comparison = known["comparison"]
    own = (comparison.get("metrics") or {}).get(comparison.get("metric"))
    if own and own["low"] is not None:
        ends = (own["low"], own["high"]) if own["greater_is_better"] else (-own["high"], -own["low"])
        if ends[1] < 0:
            return f"{comparison['metric']} is {own['words']} than that of {comparison['version']}"
    return ""


def _changes_since_release(folder: Path) -> dict[str, Any]:
    """How the training rows moved since those of the released model; nothing where there is none."""
    released = folder / conventions.RELEASED_FOLDER
    named = (read_result(released / conventions.RELEASED_FILE).get("compared") or {}).get("") or {}
    reference = read_result(released / str(named.get("package", "")) / conventions.REFERENCE_FILE)
    rows = folder / artifacts.rows("train")
    if not reference.get("inputs") or not rows.is_file():
        return {}
    return row_changes(reference["inputs"], int(reference.get("rows", 0)), rows).document()
