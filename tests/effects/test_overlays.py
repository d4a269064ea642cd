"""An overlay as a plan builds it is what kustomize builds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler.effects.overlays import overlays
from effects.specs import SETTINGS, SETTINGS_FILE, SPEC, SPEC_FILE, compiled, edited

ROOT = Path(__file__).parents[2]
KUBECTL = Path(sys.executable).with_name("kubectl")
pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.slow,
    pytest.mark.skipif(not KUBECTL.exists(), reason="kubectl is not installed"),
]
VARIED = {
    SPEC_FILE: edited(
        SPEC,
        ("dev: {serving: {replicas: {min: 1, max: 1}}}", "dev: {serving: {limits: {timeout: 1s}}}"),
        (
            "{min: 3, max: 20}}}",
            "{min: 3, max: 20}, rollout: {canary: [50, 100]}, gateway: {host: a.b.com}}}",
        ),
    ),
    SETTINGS_FILE: f"labels: {{team: growth}}\nimages: {{registry: 'ghcr.io/acme'}}\n{SETTINGS}",
}


def test_an_overlay_is_what_kustomize_builds(tmp_path: Path) -> None:
    _, files = compiled(tmp_path, VARIED)
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    folders = [tmp_path / "churn", *(ROOT / "generated").glob("*/")]
    for folder in folders:
        own = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        for name, found in overlays(own).items():
            want = kustomized(folder / "overlays" / name)
            assert found.objects.keys() == want.keys()
            for key, document in found.objects.items():
                assert comparable(document) == comparable(want[key]), (folder.name, name, key)


def kustomized(folder: Path) -> dict[tuple[str, str], Any]:
    text = subprocess.run(
        [KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, check=True
    ).stdout
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text)}


def comparable(document: Mapping[str, Any]) -> Any:
    """Without the namespace, which is told once, and what stands for long contents."""
    metadata = {key: value for key, value in document["metadata"].items() if key not in ("namespace", "name")}
    is_long = document["kind"] in ("ConfigMap", "PrometheusRule")
    own = {key: value for key, value in document.items() if not is_long and key not in ("metadata", "kind")}
    return {**own, "metadata": {} if document["kind"] == "PrometheusRule" else metadata}
