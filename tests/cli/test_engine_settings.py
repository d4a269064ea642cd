"""What a setting is said to lack is shown at that setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.projects import Project


def test_an_engine_without_a_repository_is_marked_itself(project: Project) -> None:
    project.write("aimass.yaml", "environments: {dev: {}}\nengine: flux\n")
    said = project.aimass("check").err
    assert "`flux` applies dev, so it must know where" in said
    assert "aimass.yaml:2:9" in said

    project.write("aimass.yaml", "environments: {dev: {applied_by: flux}}\n")
    assert "`flux` applies dev, so it must know where" in project.aimass("check").err
