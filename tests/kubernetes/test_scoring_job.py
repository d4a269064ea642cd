"""What scores a table builds beside the servers, and Kubernetes and the operators would take it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from manifests import kustomize, violations, write
from render.models import pipeline

pytestmark = pytest.mark.kubernetes
SCORING = {"source": "s3://lake/new.parquet", "into": "s3://lake/scores", "schedule": "0 4 * * *"}


@pytest.mark.parametrize("mode", ["image", "volume"])
def test_a_scheduled_table_is_taken_and_its_image_is_that_of_the_release(tmp_path: Path, mode: str) -> None:
    found = kustomize()
    if isinstance(found, str):
        pytest.skip(found)
    built = pipeline({"serving": {"model": mode}}, overrides={"prod": {"scoring": SCORING}})
    objects = found.build(write(built, tmp_path) / "overlays" / "prod")
    assert [told for document in objects for told in violations(document)] == []
    (job,) = [each for each in objects if each["kind"] == "CronJob"]
    spec = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (config,) = [each["configMap"]["name"] for each in spec["volumes"] if "configMap" in each]
    assert config.startswith("churn-scoring-")  # by its content, so that a change is another pod
    released = (
        spec["initContainers"][0]["image"]
        if mode == "image"
        else next(each["image"]["reference"] for each in spec["volumes"] if "image" in each)
    )
    assert "@sha256:" in released


@pytest.mark.parametrize("mode", ["image", "volume"])
@pytest.mark.parametrize("engine", ["apply", "flux"])
def test_a_release_reaches_the_images_of_its_workers(tmp_path: Path, mode: str, engine: str) -> None:
    found = kustomize()
    if isinstance(found, str):
        pytest.skip(found)
    scored = {"prod": {"scoring": {**SCORING, "workers": 2}}}
    settings = (
        {}
        if engine == "apply"
        else {"engine": engine, "repository": {"url": "https://git.example.com/models.git"}}
    )
    built = pipeline({"serving": {"model": mode}}, settings=settings, overrides=scored)
    objects = found.build(write(built, tmp_path) / "overlays" / "prod")
    assert [told for document in objects for told in violations(document)] == []
    (config,) = [each for each in objects if each["kind"] == "ConfigMap" and "job" in each["data"]]
    assert config["metadata"]["name"] == "churn-scoring", "which the pods of the RayJob mount"
    job = json.loads(config["data"]["job"])
    assert violations(job) == []
    cluster = job["spec"]["rayClusterSpec"]
    for part in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        spec = part["template"]["spec"]
        released = (
            spec["initContainers"][0]["image"]
            if mode == "image"
            else next(each["image"]["reference"] for each in spec["volumes"] if "image" in each)
        )
        assert "@sha256:" in released
        assert spec["containers"][0]["image"].startswith("registry.example.com/ml/")
