"""Whom pods run as: fixed numbers, or whoever a platform such as OpenShift assigns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler.checks import BASE
from aimass_compiler.compile import compile_specs
from aimass_compiler.project import Project

IDS = ("runAsUser", "runAsGroup", "fsGroup", "supplementalGroups")


def files(root: Path, users: str) -> Mapping[str, bytes]:
    (root / "specs").mkdir(parents=True)
    retrain = 'monitoring: {retrain: {schedule: "0 3 * * 1"}}\n'
    (root / "specs" / "churn.yaml").write_text(BASE + retrain, encoding="utf-8")
    (root / "aimass.yaml").write_text(f"users: {users}\n" if users else "", encoding="utf-8")
    compiled = compile_specs(Project(root), [root / "specs" / "churn.yaml"])
    assert [each for each in compiled.findings if each.is_error] == []
    return compiled.files


def contexts(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every securityContext of a pod: those of containers name no user."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "securityContext" and "runAsNonRoot" in value:
                yield value
            yield from contexts(value)
    elif isinstance(node, list):
        for item in node:
            yield from contexts(item)


def pods(written: Mapping[str, bytes]) -> list[Mapping[str, Any]]:
    documents = (
        document
        for path, content in written.items()
        if path.endswith(".yaml")
        for document in yaml.safe_load_all(content)
    )
    return [context for document in documents for context in contexts(document)]


def test_a_platform_that_assigns_users_finds_none(tmp_path: Path) -> None:
    assigned = pods(files(tmp_path / "assigned", "assigned"))
    fixed = pods(files(tmp_path / "fixed", ""))
    assert len(assigned) == len(fixed) > 3
    for context in assigned:
        assert context == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert all("runAsUser" in context for context in fixed)


@pytest.mark.parametrize("users", ["fixed", "assigned"])
def test_nothing_else_in_the_files_names_a_user(tmp_path: Path, users: str) -> None:
    written = files(tmp_path, users)
    named = [path for path, content in written.items() if any(name.encode() in content for name in IDS)]
    assert bool(named) == (users == "fixed")


def test_the_image_that_trains_works_for_any_user_of_group_0(tmp_path: Path) -> None:
    written = files(tmp_path / "assigned", "assigned")
    dockerfile = written["churn/image/train.Dockerfile"].decode()
    assert 'RUN chgrp 0 "$HOME" && chmod g+rx "$HOME"' in dockerfile
    assert dockerfile.rstrip().endswith("USER 1000:100")
    job = written["churn/train/job.yaml"].decode()
    assert "name: HOME" in job
    assert "chgrp" not in files(tmp_path / "fixed", "fixed")["churn/image/train.Dockerfile"].decode()
