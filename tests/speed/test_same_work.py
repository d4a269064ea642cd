"""The benchmark of compiling: that its services are real work, and that other work than theirs is told.

`REWRITE=1 pytest tests/speed` writes anew what the peers have to make; bring them to it before you commit it.
"""

from __future__ import annotations

import copy
import os
from pathlib import Path

import pytest
import yaml

from aimass_compiler.compile import compile_specs
from aimass_compiler.programs import kustomize
from aimass_compiler.project import Project
from benchmarks.compile import specs, verify, work
from tests.harness.releases import released

WANT = Path(__file__).parent / "want" / "one-service.yaml"
_DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "churn", "namespace": "ml-prod", "labels": {"team": "growth"}},
    "spec": {
        "template": {"spec": {"containers": [{"image": "registry.example.com/ml/churn:spec-0123456789ab"}]}}
    },
}
_SETTINGS = {
    "kind": "ConfigMap",
    "metadata": {"name": "churn-dashboard", "namespace": "ml-prod"},
    "data": {"refresh": "30s"},
}


@pytest.mark.slow
def test_the_services_compile_without_a_warning_for_three_environments(tmp_path: Path) -> None:
    services = work.services(100)
    specs.write_project(tmp_path, services)
    project = Project(tmp_path)
    compiled = compile_specs(project, project.specs())
    assert compiled.findings == (), "a spec with warnings is compiled each time, so nothing would be settled"
    overlays = [
        path for path in compiled.files if path.endswith("kustomization.yaml") and "/overlays/" in path
    ]
    assert {path.split("/")[-2] for path in overlays if "monitoring" not in path} == set(work.ENVIRONMENTS)
    assert set(compiled.pipelines) == {service.name for service in services}


def test_the_peers_were_written_for_what_is_generated_now(tmp_path: Path) -> None:
    """They are templates by hand, and `python -m benchmarks.compile` is not run with each change."""
    service = work.services(1)[0]
    specs.write_project(tmp_path, [service])
    project = Project(tmp_path)
    files = compile_specs(project, project.specs()).files
    released(
        tmp_path,
        service.name,
        {path.partition("/")[2]: content for path, content in files.items()},
    )
    made = verify.objects([kustomize.find().text(project.generated / service.name / "overlays" / "prod")])
    told = yaml.safe_dump_all(made[key] for key in sorted(made))
    if "REWRITE" in os.environ:
        WANT.write_text(told, encoding="utf-8")
    assert told == WANT.read_text(encoding="utf-8"), "benchmarks/compile/peers has to make this, too"


def test_services_are_the_same_in_every_run_and_all_have_their_own_name() -> None:
    assert work.services(20)[:5] == work.services(5)
    assert len({service.name for service in work.services(10_000)}) == 10_000


def test_a_changed_service_has_one_more_server_in_production() -> None:
    service = work.services(1)[0]
    assert work.changed(service).sizing["prod"].replicas_max == service.sizing["prod"].replicas_max + 1


def test_hashes_in_tags_and_layout_are_no_difference() -> None:
    theirs = copy.deepcopy(_DEPLOYMENT)
    theirs["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/ml/churn:1.0.0"
    assert _compared([_DEPLOYMENT, _SETTINGS], [theirs, _SETTINGS]).sentence() == "all 2 objects equal"


def test_an_object_that_is_missing_is_other_work() -> None:
    compared = _compared([_DEPLOYMENT, _SETTINGS], [_DEPLOYMENT])
    assert not compared.is_same_work
    assert compared.sentence().startswith("NOT THE SAME WORK: 1 objects missing")


def test_another_value_in_a_main_field_is_other_work() -> None:
    other = {**_SETTINGS, "data": {"refresh": "1m"}}
    compared = _compared([_DEPLOYMENT, _SETTINGS], [_DEPLOYMENT, other])
    assert not compared.is_same_work
    assert "data.refresh" in compared.sentence()


def test_another_label_is_told_but_the_same_work() -> None:
    other = copy.deepcopy(_DEPLOYMENT)
    other["metadata"]["labels"]["team"] = "sales"
    compared = _compared([_DEPLOYMENT], [other])
    assert compared.is_same_work
    assert "metadata.labels.team" in compared.sentence()


def _compared(wanted: list[object], found: list[object]) -> verify.Comparison:
    return verify.compare(
        verify.objects([yaml.safe_dump_all(wanted)]), verify.objects([yaml.safe_dump_all(found)])
    )
