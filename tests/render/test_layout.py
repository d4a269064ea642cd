"""Files in less space have the same values, and projects without a training job have no folder for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace
from pydantic import ValidationError

from aimass_compiler import conventions
from aimass_compiler.partial_values import shortened_environments, whole_environments
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render import render
from aimass_compiler.render.compact import compacted
from aimass_compiler.render.facts import decoded
from render.models import VARIED, pipeline

COMPACT = {"generated": {"layout": "compact"}}
#: Environments that differ in one value of many, and in what is nothing in one of them.
DIFFERENT = {
    "environments": {"dev": {"serving": {"replicas": {"min": 1, "max": 1}, "gateway": None}}},
    "serving": {"gateway": {"host": "churn.example.com"}, "limits": {"timeout": "3s"}},
}


@pytest.mark.parametrize("name", VARIED)
def test_compact_files_have_the_same_values_in_less_space(name: str) -> None:
    built = VARIED[name]
    settings = built.settings.model_copy(update={"generated": Settings.model_validate(COMPACT).generated})
    indented, compact = render(built), render(built.model_copy(update={"settings": settings}))
    assert indented.keys() - compact.keys() == {conventions.TRAINING_DOCKERFILE}
    assert not compact.keys() - indented.keys()
    for path, content in compact.items():
        if path == conventions.RESOLVED_FILE:
            found, wanted = (replace(decoded(each), settings={}) for each in (content, indented[path]))
            assert found == wanted
            assert len(content) < len(indented[path]) / 1.5
        elif path.endswith(".json"):
            found = json.loads(content)
            found = whole_environments(found) if path == conventions.PIPELINE_FILE else found
            assert found == json.loads(indented[path])
            assert len(content) < len(indented[path])
        elif path != conventions.DVC_FILE:
            assert [*yaml.safe_load_all(content)] == [*yaml.safe_load_all(indented[path])], path
            assert len(content) <= len(indented[path])


def test_what_repeats_in_a_manifest_is_said_once_by_the_name_of_its_key() -> None:
    job, *_ = render(pipeline({}, COMPACT))["train/job.yaml"].decode().split("---")
    assert job.count("  labels: &labels\n") == 1
    assert job.count("securityContext: *securityContext") > 1
    assert job.count("readOnlyRootFilesystem") == 1
    text = (
        "a:\n- patch: |\n"
        + "    labels:\n      one: a text of more than sixty characters, to be seen\n" * 2
        + "b: 1\n"
    )
    assert compacted("base/kustomization.yaml", text.encode()).decode() == text, "nothing within a text"


def test_environments_say_only_what_they_do_otherwise() -> None:
    plain, short = (
        json.loads(render(pipeline(DIFFERENT, settings))[conventions.PIPELINE_FILE])
        for settings in ({}, COMPACT)
    )
    assert whole_environments(short) == plain == whole_environments(plain)
    assert shortened_environments(plain) == short
    assert short["environments"]["staging"].keys() == {"namespace", "image_registry"}
    assert short["environments"]["dev"]["serving"]["replicas"] == {"min": 1, "max": 1}
    assert whole_environments({"environments": {"dev": None}}) == {"environments": {"dev": None}}


def test_a_record_of_the_fleet_holds_no_digests_of_its_rules() -> None:
    plain, short = (
        decoded(render(pipeline({}, settings))[conventions.RESOLVED_FILE])
        for settings in ({}, COMPACT | {"monitoring": {"rules": "fleet"}})
    )
    alerts, of_fleet = (found.environments["prod"].alerts for found in (plain, short))
    assert [each.thresholds for each in alerts] == [each.thresholds for each in of_fleet]
    assert all(each.condition for each in alerts)
    assert not any(each.condition for each in of_fleet)


def test_dvc_reads_the_same_stages(tmp_path: Path) -> None:
    from dvc.repo import Repo

    found = []
    for name, settings in (("plain", {}), ("short", COMPACT)):
        folder = tmp_path / name / "generated/churn"
        folder.mkdir(parents=True)
        files = render(pipeline({}, settings))
        for path in (conventions.DVC_FILE, conventions.PIPELINE_FILE):
            (folder / path).write_bytes(files[path])
        stages = Repo.init(str(tmp_path / name), no_scm=True).index.stages
        found.append(
            sorted((each.name, each.cmd, sorted(map(str, each.deps + each.outs))) for each in stages)
        )
    assert found[0] == found[1]
    assert len(found[0]) == 6


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
