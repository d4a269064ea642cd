"""A setting that changes what is generated of a model is a reason that its plan gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aimass_compiler.pipeline.settings import EnvironmentSettings, Settings
from impact.specs import SETTINGS, SETTINGS_FILE, SPEC, SPEC_FILE, compiled, meaning

if TYPE_CHECKING:
    from pathlib import Path

#: A model that has to do with most of what can be set.
WATCHED = SPEC.replace(
    "serving:\n",
    """\
serving:
  gateway: {host: churn.example.com}
  access: {keys: churn-callers, callers: {shop: {rate: {requests: 5/s}}}}
  rollout: {canary: [50, 100]}
  logs: {predictions: {sample: 0.01}}
""",
    1,
)
#: Each key of aimass.yaml with another value.
KEYS = {
    "images": "{python: 'python:3.12-slim'}",
    "prometheus": "{url: 'http://mimir:9090', tenant: shop, secret: mimir}",
    "monitoring": "{rules: fleet}",
    "training": "{target: kubeflow}",
    "pipeline": "{target: kubeflow}",
    "generated": "{layout: compact}",
    "labels": "{cost-centre: a}",
    "logs": "{store: 's3://bucket/records'}",
    "users": "assigned",
    "queue": "night",
    "engine": "flux",
    "waivers": "[{code: CKV_K8S_11, at: serving, reason: measured}]",
}
#: Those that a model's files have nothing to do with, or not without more than a key.
NOT_OF_A_MODEL = {
    "environments",  # below
    "servers",
    "sharing",  # test_moves.py
    "prices",
    "repository",
    "engine_namespace",
    "ci",
    "teams",
}
#: The same for the keys of an environment, of the first one.
OF_AN_ENVIRONMENT = {
    "namespace": "elsewhere",
    "deployer": "{user: ci}",
    "oncall": "{user: night}",
    "trainer": "{user: scientist}",
    "pods": "{priority_class: high}",
    "secrets": "[lake]",
    "store": "s3://bucket/work",
    "engine": "ray",
    "gateway": "{implementation: envoy-gateway}",
}
NOT_OF_AN_ENVIRONMENT = {
    "server",
    "capacity",
    "candidates",
    "accelerator",  # test_accelerators
    "revert",
    "soak",
    "signature",
    "requires",
    "applied_by",  # needs a repository, as `engine` does
}
#: What some of them need beside them.
BESIDE = {"engine": "repository: {url: 'https://git.example.com/models', branch: main}\n"}


def test_every_setting_is_tried() -> None:
    assert KEYS.keys() | NOT_OF_A_MODEL == Settings.model_fields.keys()
    assert OF_AN_ENVIRONMENT.keys() | NOT_OF_AN_ENVIRONMENT == EnvironmentSettings.model_fields.keys()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    _, files = compiled(tmp_path_factory.mktemp("before"), {SPEC_FILE: WATCHED, SETTINGS_FILE: SETTINGS})
    return files


def reasons(root: Path, before: dict[str, bytes], settings: str) -> str:
    """What the plan says of the one model whose files change, but that servers have another manifest."""
    (effect,) = meaning(root, before, {SPEC_FILE: WATCHED, SETTINGS_FILE: settings}).models
    told = "\n".join(each.text for each in (*effect.values, *effect.applying))
    return told if effect.values or "priority_class" in told else ""


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_setting_is_a_reason(key: str, before: dict[str, bytes], tmp_path: Path) -> None:
    store = SETTINGS.replace("dev: {}", "dev: {store: 's3://bucket/work'}") if key == "pipeline" else SETTINGS
    told = reasons(tmp_path, before, f"{key}: {KEYS[key]}\n{BESIDE.get(key, '')}{store}")
    assert told, f"nothing is said of `{key}`"


@pytest.mark.parametrize("key", sorted(OF_AN_ENVIRONMENT))
def test_a_setting_of_an_environment_is_a_reason(key: str, before: dict[str, bytes], tmp_path: Path) -> None:
    settings = SETTINGS.replace("dev: {}", f"dev: {{{key}: {OF_AN_ENVIRONMENT[key]}}}")
    assert reasons(tmp_path, before, settings), f"nothing is said of `{key}`"


def test_a_reason_says_where_it_is_written(before: dict[str, bytes], tmp_path: Path) -> None:
    settings = SETTINGS.replace("prod: {}", "prod: {gateway: {implementation: istio}}")
    (effect,) = meaning(tmp_path, before, {SPEC_FILE: WATCHED, SETTINGS_FILE: settings}).models
    (told,) = effect.values
    assert told.text == "`environments.prod.gateway.implementation` is now `istio`"
    assert told.location == "aimass.yaml:4"


def test_a_setting_that_a_model_has_nothing_to_do_with_changes_no_file(tmp_path: Path) -> None:
    """SPEC has no gateway, no canary and no records."""
    project = {SPEC_FILE: SPEC, SETTINGS_FILE: SETTINGS}
    _, before = compiled(tmp_path / "before", project)
    others = "logs: {store: 's3://bucket/records'}\nprometheus: {url: 'http://mimir:9090'}\n"
    prod = SETTINGS.replace("prod: {}", "prod: {gateway: {implementation: istio}}")
    assert meaning(tmp_path / "after", before, {**project, SETTINGS_FILE: f"{others}{prod}"}).models == ()
