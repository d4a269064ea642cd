"""A spec is created whole, and never in the place of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.starter import create

if TYPE_CHECKING:
    from pathlib import Path


def test_a_spec_is_created_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "specs" / "demo.yaml"
    assert create(path, "kind: Model\n", "specs/demo.yaml") == []
    assert path.read_text() == "kind: Model\n"
    assert [found.name for found in path.parent.iterdir()] == ["demo.yaml"]


def test_a_spec_that_exists_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    path.write_text("mine\n")
    findings = create(path, "kind: Model\n", "demo.yaml")
    assert [finding.code for finding in findings] == ["AM067"]
    assert path.read_text() == "mine\n"
    assert [found.name for found in tmp_path.iterdir()] == ["demo.yaml"]


def test_a_link_to_nowhere_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo.yaml").symlink_to(tmp_path / "nowhere")
    assert [finding.code for finding in create(tmp_path / "demo.yaml", "", "demo.yaml")] == ["AM067"]
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "specs").write_text("a file")
    findings = create(tmp_path / "specs" / "demo.yaml", "", "specs/demo.yaml")
    assert [finding.code for finding in findings] == ["AM067"]
