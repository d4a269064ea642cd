"""Files in less space have the same values, and projects without a training job have no folder for it."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from aimass_compiler import conventions
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render import render
from aimass_compiler.render.facts import decoded
from render.models import VARIED, pipeline

COMPACT = {"generated": {"layout": "compact"}}


@pytest.mark.parametrize("name", VARIED)
def test_compact_files_have_the_same_values_in_less_space(name: str) -> None:
    built = VARIED[name]
    settings = built.settings.model_copy(update={"generated": Settings.model_validate(COMPACT).generated})
    indented, compact = render(built), render(built.model_copy(update={"settings": settings}))
    assert indented.keys() == compact.keys()
    for path, content in compact.items():
        if path == conventions.RESOLVED_FILE:
            assert decoded(content) == decoded(indented[path])
            assert len(content) < len(indented[path]) / 1.5
        elif path.endswith(".json"):
            assert json.loads(content) == json.loads(indented[path])
            assert len(content) < len(indented[path])
        else:
            assert content == indented[path]


def test_a_change_shows_in_a_line_of_its_own() -> None:
    """Else the difference of a pull request would be the whole file."""
    before, after = (
        render(pipeline({"data": {"columns": {"tenure": kind}}}, COMPACT))["pipeline.json"]
        .decode()
        .splitlines()
        for kind in ("number", {"type": "number", "min": 0})
    )
    changed = [line for line in before if line not in after]
    assert [line.partition(":")[0] for line in changed] == ['"columns"']


def test_without_a_training_job_there_is_no_folder_for_it() -> None:
    files = render(pipeline({}, {"generated": {"training_job": False}}))
    assert not [path for path in files if path.startswith("train/")]
    assert decoded(files[conventions.RESOLVED_FILE]).job is None


def test_a_workflow_cannot_train_in_the_cluster_without_the_job() -> None:
    github = {"compiler": {"source": "."}, "training": {"where": "cluster"}}
    with pytest.raises(ValidationError, match="needs `generated"):
        Settings.model_validate({"ci": {"github": github}, "generated": {"training_job": False}})
