"""Which requests a candidate is held against: those of its own environment, and of who mirrors to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pipeline.projects import SPEC

from aimass_compiler.compile import compile_specs
from aimass_compiler.project import Project
from aimass_compiler.retraining import shadow

GATEWAY = "  gateway: {host: churn.example.com, mirror: {model: churn-next}}\n"


@pytest.mark.parametrize(
    ("settings", "is_released", "wanted"),
    [
        ("logs: {store: s3://acme/predictions}\n", True, ("churn-next", "ml-dev", ["churn"])),
        ("logs: {store: s3://acme/predictions}\n", False, None),
        ("{}\n", True, None),
    ],
)
def test_the_requests_of_who_mirrors_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, is_released: bool, wanted: Any
) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "aimass.yaml").write_text(settings)
    (tmp_path / "specs/churn.yaml").write_text(SPEC.replace("serving:\n", f"serving:\n{GATEWAY}"))
    (tmp_path / "specs/churn-next.yaml").write_text(SPEC.replace("name: churn,", "name: churn-next,"))
    if is_released:
        release = tmp_path / "releases/dev/churn-next/kustomization.yaml"
        release.parent.mkdir(parents=True)
        release.touch()
    asked: list[Any] = []

    def ask(root: Path, model: str, namespace: str, store: str, mirroring: list[str]) -> int:
        asked.append((model, namespace, mirroring))
        return 0

    monkeypatch.setattr(shadow, "_asked", ask)
    project = Project(tmp_path)
    made = compile_specs(project, project.specs()).pipelines["churn-next"]
    assert shadow.compare_on_requests(project, made) == (None if wanted is None else 0)
    assert asked == ([] if wanted is None else [wanted])
