"""Findings as SARIF, which code scanning services and editors read.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aimass_compiler.cli.views.placed_findings import PlacedFinding, placed
from aimass_compiler.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aimass_compiler.diagnostics import Finding, Place
    from aimass_compiler.spec.yaml.document import Document

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: What the paths start from: the project's root, which only the reader of the file can place.
_ROOT = "PROJECTROOT"
_FINGERPRINT = "aimass/v1"


def drawn(findings: Iterable[Finding], documents: Mapping[str, Document]) -> str:
    """One run with a rule for each code that was found."""
    found = placed(findings, documents)
    codes = sorted({each.finding.code for each in found})
    run = {
        "tool": {"driver": _driver(codes, found)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder that holds specs/."}}},
        "results": _results(found, codes),
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _driver(codes: Sequence[str], found: Sequence[PlacedFinding]) -> dict[str, Any]:
    levels = {each.finding.code: each.finding.severity.value for each in found}
    return {
        "name": "aimass-compile",
        "semanticVersion": __version__,
        "rules": [_rule(code, levels[code]) for code in codes],
    }


def _rule(code: str, level: str) -> dict[str, Any]:
    from aimass_compiler.cli.views.explain import example_markdown
    from aimass_compiler.language.codes import examples, explanations

    explanation = explanations()[code]
    shown = [f"\n{line}" for example in examples().get(code, ()) for line in example_markdown(example)]
    title = explanation.title[:1].upper() + explanation.title[1:]
    return {
        "id": code,
        "shortDescription": {"text": f"{title}."},
        "fullDescription": {"text": explanation.text},
        "help": {"text": explanation.text, "markdown": explanation.text + "".join(shown)},
        "defaultConfiguration": {"level": level},
    }


def _results(found: Sequence[PlacedFinding], codes: Sequence[str]) -> list[dict[str, Any]]:
    alike: Counter[str] = Counter()
    results = []
    for each in found:
        print_of = _fingerprint(each)
        alike[print_of] += 1
        results.append(_result(each, codes, f"{print_of}:{alike[print_of]}"))
    return results


def _fingerprint(found: PlacedFinding) -> str:
    """What the same problem has after lines moved: its code, file, path and sentence, and no line."""
    finding = found.finding
    parts = [finding.code, finding.file, json.dumps(finding.path), finding.message]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _result(found: PlacedFinding, codes: Sequence[str], fingerprint: str) -> dict[str, Any]:
    finding = found.finding
    text = f"{finding.message}. Help: {finding.help}" if finding.help else finding.message
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": finding.severity.value,
        "message": {"text": text},
        "partialFingerprints": {_FINGERPRINT: fingerprint},
    }
    if finding.file:
        result["locations"] = [_location(finding.file, found.place)]
    if found.notes:
        result["relatedLocations"] = [
            {"id": number, **_location(note.document.file, note.place), "message": {"text": note.message}}
            for number, note in enumerate(found.notes)
        ]
    if finding.fix and finding.fix.is_safe and found.document and found.changes:
        result["fixes"] = [_fix(found, found.document, finding.fix.message)]
    return result


def _location(file: str, place: Place | None) -> dict[str, Any]:
    """GitHub shows nothing that has no line, so a file that nobody could read has its first one."""
    region = _region(place) if place else {"startLine": 1}
    return {"physicalLocation": {"artifactLocation": _artifact(file), "region": region}}


def _artifact(file: str) -> dict[str, str]:
    if file.startswith("/"):
        return {"uri": f"file://{quote(file)}"}
    return {"uri": quote(file), "uriBaseId": _ROOT}


def _region(place: Place) -> dict[str, int]:
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }


def _fix(found: PlacedFinding, document: Document, message: str) -> dict[str, Any]:
    replaced = [
        {
            "deletedRegion": _region(document.place_between(change.start, change.end)),
            "insertedContent": {"text": change.text},
        }
        for change in found.changes
    ]
    changes = [{"artifactLocation": _artifact(document.file), "replacements": replaced}]
    return {"description": {"text": message}, "artifactChanges": changes}
