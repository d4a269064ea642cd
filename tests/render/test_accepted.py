"""Rules of scanners that somebody accepts, with the reason, stand where those scanners look."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from aimass_compiler import conventions
from aimass_compiler.pipeline.waiver import Waiver
from aimass_compiler.render import render
from render.files import kustomization, objects, one
from render.models import pipeline

CPU = {"code": "CKV_K8S_11", "at": "serving", "reason": "a limit = answers that wait"}
FEW = {"code": "kube-score/deployment-replicas", "at": "environments.dev", "reason": "nobody calls dev"}
IMAGE = {"code": "kube-score/container-image-tag", "reason": "we know"}
ABOUT = (conventions.ANNOTATION_OWNER, conventions.ANNOTATION_DESCRIPTION)
IGNORED = {"kube-score/ignore": "container-image-tag"}


def accepting(*waivers: dict[str, str]) -> dict[str, bytes]:
    return render(pipeline(settings={"waivers": waivers}))


def accepted(files: dict[str, bytes], folder: str, kind: str) -> dict[str, str]:
    return of_scanners(one(files, folder, kind))


def of_scanners(document: dict[str, Any]) -> dict[str, str]:
    found = document["metadata"].get("annotations", {})
    return {key: value for key, value in found.items() if key not in ABOUT}


def patches(files: dict[str, bytes], environment: str) -> list[dict[str, Any]]:
    written = kustomization(files, f"overlays/{environment}").get("patches", [])
    return [yaml.safe_load(patch["patch"]) for patch in written]


def test_nothing_accepted_is_nothing_written() -> None:
    for folder in ("base", "train"):
        assert not any(map(of_scanners, objects(accepting(), folder)))


def test_what_has_pods_says_what_is_accepted_there() -> None:
    files = accepting(CPU, IMAGE)
    # checkov divides at each `=`, and takes no second one.
    skipped = {"checkov.io/skip1": "CKV_K8S_11=a limit answers that wait"}
    assert accepted(files, "base", "Deployment") == skipped | IGNORED
    assert accepted(files, "train", "CronJob") == accepted(files, "train", "RayJob") == IGNORED
    assert accepted(files, "base", "ServiceAccount") == {}


def test_what_is_accepted_in_one_environment_stands_in_its_overlay() -> None:
    files = accepting(FEW, IMAGE)
    assert accepted(files, "base", "Deployment") == IGNORED
    (found,) = [patch for patch in patches(files, "dev") if patch["kind"] == "Deployment"]
    assert found["metadata"]["annotations"] == {
        "kube-score/ignore": "deployment-replicas,container-image-tag"
    }
    assert found["metadata"]["name"] == "churn"
    assert not any("annotations" in patch["metadata"] for patch in patches(files, "prod"))


def test_a_spec_accepts_for_itself() -> None:
    files = render(pipeline({"waivers": [IMAGE]}))
    assert accepted(files, "base", "Deployment") == IGNORED
    assert b"we know" not in files["pipeline.json"]


def test_accepting_trains_nothing_again() -> None:
    usual, waived = accepting(), accepting({**IMAGE, "at": "serving"})
    assert {path for path in usual if usual[path] != waived[path]} == {
        "base/server.yaml",
        "resolved.json",
    }


@pytest.mark.parametrize(
    "waiver", [{"code": "CKV_11", "reason": "x"}, {**CPU, "reason": ""}, {**CPU, "at": "data.columns"}]
)
def test_a_rule_a_place_and_a_reason_are_needed(waiver: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Waiver.model_validate(waiver)
