"""Who merges a revert must be an app, whose merges GitHub delivers."""

from __future__ import annotations

from typing import Any

import pytest

from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.spec.decode.decoder import decode


@pytest.mark.parametrize(
    ("by", "pull_requests", "codes"),
    [
        ("merge", "token", ["AM100"]),
        ("merge", "app", []),
        ("pull_request", "token", []),
    ],
)
def test_what_a_workflow_merges_is_merged_by_an_app(by: str, pull_requests: str, codes: list[str]) -> None:
    github = {"compiler": {"source": "."}, "pull_requests": pull_requests}
    tree: dict[str, Any] = {"environments": {"prod": {"revert": {"by": by}}}, "ci": {"github": github}}
    _, findings = decode(Settings, tree, SETTINGS_FILE)
    assert [each.code for each in findings] == codes
    assert all("`environments.prod.revert.by: merge` needs" in each.message for each in findings)


def test_without_workflows_anything_may_merge() -> None:
    _, findings = decode(Settings, {"environments": {"prod": {"revert": {"by": "merge"}}}}, SETTINGS_FILE)
    assert findings == []
