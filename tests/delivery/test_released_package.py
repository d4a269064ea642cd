"""`aimass run` brings the packages that gates compare with, from the nearest place that has them."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from harness.version_records import recorded, release_of, released

from aimass_compiler.delivery.released_package import NotFetched, bring
from aimass_compiler.pipeline.evaluation import Evaluation, Gate
from aimass_compiler.pipeline.settings import Settings

ORDER = ("dev", "staging", "prod")
PLACE = "artifacts/churn/released"
OWN = "artifacts/churn/package/model"


def pipeline(*environments: str | None) -> Any:
    """A model with a gate for each of these."""
    gates = tuple(Gate(metric="roc_auc", beats="released", environment=each) for each in environments)
    return SimpleNamespace(
        name="churn",
        path="churn",
        environments=dict.fromkeys(ORDER),
        evaluation=Evaluation(gates=gates),
        settings=Settings(),
    )


def package(root: Path, content: str = "model", folder: str = OWN) -> str:
    """A package, and by which hash its version knows it."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    (root / folder / "model.onnx").write_text(content)
    files = {"model.onnx": hashlib.sha256(content.encode()).hexdigest()}
    manifest = json.dumps({"format": "aimass.manifest/v1", "files": files})
    (root / folder / "manifest.json").write_text(manifest)
    return hashlib.sha256(manifest.encode()).hexdigest()


def compared(root: Path) -> dict[str, Any]:
    """What stages find: the versions by what gates say."""
    found = json.loads((root / PLACE / "compared.json").read_text())["compared"]
    return {name: each and (each["environment"], each["version"]) for name, each in found.items()}


def brought(root: Path) -> list[str]:
    return sorted(path.name for path in (root / PLACE).iterdir() if path.is_dir())


def run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("gates", [(), (Gate(metric="mase", beats="seasonal_naive"),)])
def test_nothing_is_left_where_no_gate_asks(tmp_path: Path, gates: tuple[Gate, ...]) -> None:
    released(tmp_path, recorded(tmp_path, "churn"), "dev")
    bring(tmp_path, SimpleNamespace(name="churn", path="churn", evaluation=Evaluation(gates=gates)))  # type: ignore[arg-type]  # all it asks
    assert not (tmp_path / "artifacts").exists()


def test_where_nothing_is_released_stages_are_told_so(tmp_path: Path) -> None:
    bring(tmp_path, pipeline(None, "dev"))
    assert compared(tmp_path) == {"": None, "dev": None}


def test_the_last_environment_with_a_release_counts_unless_a_gate_names_another(tmp_path: Path) -> None:
    first = recorded(tmp_path, "churn", 1, package(tmp_path))
    released(tmp_path, first, "dev")
    bring(tmp_path, pipeline(None))
    assert compared(tmp_path) == {"": ("dev", first.name)}
    second = recorded(tmp_path, "churn", 2, package(tmp_path, "another model"))
    released(tmp_path, second, "staging")
    bring(tmp_path, pipeline(None, "dev", "prod"))
    assert compared(tmp_path) == {"": ("staging", second.name), "dev": ("dev", first.name), "prod": None}
    assert brought(tmp_path) == sorted([first.package, second.package])
    bring(tmp_path, pipeline(None))
    assert brought(tmp_path) == [second.package], "what no gate compares with any more is not kept"


def test_during_a_canary_the_version_that_most_callers_get_counts(tmp_path: Path) -> None:
    stable = recorded(tmp_path, "churn", 1, package(tmp_path))
    canary = recorded(tmp_path, "churn", 2)
    before = release_of(stable, "prod")
    beside = {"stable": stable.name, "stable_images": {"churn": before.digest}}
    released(tmp_path, canary, "prod", **beside)
    bring(tmp_path, pipeline(None))
    assert compared(tmp_path) == {"": ("prod", stable.name)}


def test_the_digest_counts_where_who_edited_it_left_the_annotation_behind(tmp_path: Path) -> None:
    record = recorded(tmp_path, "churn", 1, package(tmp_path))
    released(tmp_path, record, "prod", version="v9-12345678")
    bring(tmp_path, pipeline(None))
    assert compared(tmp_path) == {"": ("prod", record.name)}


def test_a_release_without_a_record_says_what_to_do(tmp_path: Path) -> None:
    released(tmp_path, recorded(tmp_path, "churn"), "prod")
    shutil.rmtree(tmp_path / "versions")
    with pytest.raises(
        NotFetched, match=r"releases/prod/churn/kustomization.yaml names an image that no"
    ) as it:
        bring(tmp_path, pipeline(None))
    assert "`aimass promote churn`" in it.value.help


def test_a_damaged_release_is_named(tmp_path: Path) -> None:
    released(tmp_path, recorded(tmp_path, "churn"), "prod")
    (tmp_path / "releases/prod/churn/kustomization.yaml").write_text("kind: Secret")
    with pytest.raises(NotFetched, match="it is no Kustomize component"):
        bring(tmp_path, pipeline(None))


@pytest.mark.slow
def test_a_package_comes_out_of_the_cache_or_the_remote_of_dvc(tmp_path: Path) -> None:
    """Though git leaves it out, and no note of it is in git: its version's record has the hashes."""
    root, dvc = tmp_path / "project", (sys.executable, "-m", "dvc")
    root.mkdir()
    run(["git", "init", "--quiet"], root)
    (root / ".gitignore").write_text("/artifacts/\n")
    run([*dvc, "init", "--quiet"], root)
    run([*dvc, "remote", "add", "--default", "there", str(tmp_path / "store")], root)
    name = package(root)
    md5 = {path: hashlib.md5(path.read_bytes(), usedforsecurity=False) for path in (root / OWN).iterdir()}
    files = {path.name: digest.hexdigest() for path, digest in md5.items()}
    outs = "".join(f"      - {OWN}/{file}\n" for file in files)
    (root / "dvc.yaml").write_text(f"stages:\n  package:\n    cmd: 'true'\n    outs:\n{outs}")
    run([*dvc, "commit", "--force", "--quiet"], root)
    released(root, recorded(root, "churn", 1, name, package_files=files), "prod")
    package(root, "a later run")
    bring(root, pipeline(None))
    assert (root / PLACE / name / "model.onnx").read_text() == "model"

    shutil.rmtree(root / PLACE)
    run([*dvc, "push", "--quiet", "dvc.yaml"], root)
    shutil.rmtree(root / ".dvc/cache")
    bring(root, pipeline(None))
    assert (root / PLACE / name / "model.onnx").read_text() == "model"

    for gone in (root / PLACE, root / ".dvc/cache", tmp_path / "store"):
        shutil.rmtree(gone)
    with pytest.raises(NotFetched) as it:
        bring(root, pipeline(None))
    record = f"churn v1-{name[:8]}"
    said = f"prod has a release that gates compare with: the package of {record} is nowhere\n"
    assert str(it.value).startswith(f"{said}  the last run here: it made another package\n  the registry: ")
    assert "\n  DVC: neither DVC's cache nor its remote has it" in str(it.value)
    assert "`aimass publish churn`" in it.value.help
    assert brought(root) == []
