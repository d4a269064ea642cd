"""A secret in any string of a spec or of the settings is refused, and nothing of it is rendered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aimass_compiler.checks import check_text
from aimass_compiler.compile import compile_specs
from aimass_compiler.diagnostics import has_errors
from aimass_compiler.project import Project
from tests.checks.kinds_of_secrets import OF_KINDS
from tests.hostile.every_string import SPECS
from tests.hostile.test_every_string import strings, with_inside

#: In words of its own, as people paste it; JSON escapes what YAML would.
PLANTED = [f" {secret} " for secret in OF_KINDS.values()]
PLACES = [(number, text) for number, spec in enumerate(SPECS) for text in sorted(strings(spec) - {*spec})]


def written(number: int, text: str, secret: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(with_inside(SPECS[number], frozenset({text}), secret))
    return found


def test_every_kind_is_found_in_every_string() -> None:
    assert len(PLACES) > 200
    for turn, (number, text) in enumerate(PLACES):
        secret = PLANTED[turn % len(PLANTED)]
        document = json.dumps(written(number, text, secret), indent=1)
        found = [finding for finding in check_text(document, "specs/churn.yaml") if finding.is_error]
        assert found, (text, secret)
        assert all(secret.strip() not in finding.message + finding.help for finding in found)


@pytest.mark.parametrize("turn", range(0, len(PLACES), 12))
def test_a_project_with_one_compiles_to_nothing(turn: int, tmp_path: Any) -> None:
    number, text = PLACES[turn]
    data = written(number, text, PLANTED[turn % len(PLANTED)])
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "churn.yaml").write_text(json.dumps(data["spec"], indent=1), encoding="utf-8")
    (tmp_path / "aimass.yaml").write_text(json.dumps(data["settings"], indent=1), encoding="utf-8")
    project = Project(tmp_path)
    told = compile_specs(project, project.specs())
    assert has_errors(told.findings)
    assert told.files == {}
    assert {finding.code for finding in told.findings} & {"AM330", "AM331"}
    assert all(finding.help for finding in told.findings if finding.code in ("AM330", "AM331"))


def test_a_waiver_lets_no_secret_through() -> None:
    data = SPECS[0]["spec"] | {"waivers": [{"code": "AM331", "reason": "it is old"}]}
    data["metadata"] = data["metadata"] | {"description": OF_KINDS["GitHubTokenDetector"]}
    assert [finding.code for finding in check_text(json.dumps(data), "specs/churn.yaml")] == ["AM331"]
