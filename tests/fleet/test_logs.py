"""What brings records to their store is made once for all models, and only where there is a store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler import conventions, record_names
from aimass_compiler.cli import main
from aimass_compiler.exit_codes import ExitCode

SPEC = """
apiVersion: aimass/v1
kind: Model
metadata: {name: churn, owner: growth@example.com}
data: {sources: {rows: data/rows.csv}, columns: {x: number, "y": {type: category, values: [a, b]}}}
target: "y"
model: logistic_regression
serving: {logs: {predictions: {sample: SAMPLE, retention: 30h}}}
"""


def compiled(root: Path, settings: str, sample: float = 0.5) -> int:
    (root / "specs").mkdir(exist_ok=True)
    (root / "specs" / "churn.yaml").write_text(SPEC.replace("SAMPLE", str(sample)))
    (root / "aimass.yaml").write_text(settings)
    return main(["compile", "--root", str(root)])


def objects(root: Path, path: str) -> dict[str, Any]:
    documents = yaml.safe_load_all((root / "generated" / path).read_text())
    return {each["kind"]: each for each in documents}


def test_an_object_store_is_written_by_a_collector_and_read_by_a_job(tmp_path: Path) -> None:
    assert compiled(tmp_path, "logs: {store: s3://acme/ml, namespace: logging, schedule: 5 * * * *}") == 0
    folder = tmp_path / "generated/fleet/logs"
    configuration = yaml.safe_load((folder / "collector.yaml").read_text())
    uploaded = configuration["exporters"]["awss3"]["s3uploader"]
    assert (uploaded["s3_bucket"], uploaded["s3_prefix"]) == ("acme", "ml/raw")
    assert json.loads((folder / "retention.json").read_text()) == {"churn": 2}, "whole days, and never fewer"
    made = objects(tmp_path, "fleet/logs/records.yaml")
    job = made["CronJob"]["spec"]
    assert (job["schedule"], job["concurrencyPolicy"]) == ("5 * * * *", "Forbid")
    (container,) = job["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["aimass-runtime", "records", "s3://acme/ml"]
    pod = made["DaemonSet"]["spec"]["template"]["spec"]
    assert [each["name"] for each in pod["volumes"]] == ["pods", "state", "configuration"]
    assert pod["containers"][0]["volumeMounts"][0]["readOnly"], "it changes nothing of the kubelet's"
    assert made["Namespace"]["metadata"]["name"] == "logging"


def test_an_environment_may_keep_records_for_another_time(tmp_path: Path) -> None:
    shorter = "environments: {prod: {serving: {logs: {predictions: {retention: 1d}}}}}"
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/churn.yaml").write_text(SPEC.replace("SAMPLE", "1") + shorter)
    settings = "logs: {store: s3://acme/ml}\nenvironments: {dev: {}, prod: {namespace: live}}"
    (tmp_path / "aimass.yaml").write_text(settings)
    assert main(["compile", "--root", str(tmp_path)]) == 0
    kept = json.loads((tmp_path / "generated/fleet/logs/retention.json").read_text())
    assert kept == {"churn": 2, "live/churn": 1}


def test_a_server_writes_where_the_collector_reads(tmp_path: Path) -> None:
    compiled(tmp_path, "logs: {store: s3://acme/ml}")
    (container,) = objects(tmp_path, "churn/base/server.yaml")["Deployment"]["spec"]["template"]["spec"][
        "containers"
    ]
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == record_names.RECORD_VOLUME]
    told = {each["name"]: each.get("value") for each in container["env"]}
    assert told[record_names.VARIABLE_RECORD_FOLDER] == mount["mountPath"]
    included = yaml.safe_load((tmp_path / "generated/fleet/logs/collector.yaml").read_text())["receivers"][
        "file_log"
    ]
    assert included["include"] == [
        f"/var/lib/kubelet/pods/*/volumes/kubernetes.io~empty-dir/{record_names.RECORD_VOLUME}/*.jsonl"
    ]


def test_servers_are_told_what_is_personal(tmp_path: Path) -> None:
    compiled(tmp_path, "logs: {store: s3://acme/ml}")
    spec = tmp_path / "specs/churn.yaml"
    spec.write_text(spec.read_text().replace("x: number", "x: {type: number, pii: omit}"))
    main(["compile", "--root", str(tmp_path)])
    deployment = objects(tmp_path, "churn/base/server.yaml")["Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: each.get("value") for each in container["env"]}
    assert json.loads(told[conventions.VARIABLE_HIDDEN_COLUMNS]) == {"x": "omit"}


def test_a_model_that_records_nothing_has_no_folder(tmp_path: Path) -> None:
    compiled(tmp_path, "logs: {store: s3://acme/ml}", sample=0)
    assert record_names.RECORD_VOLUME not in (tmp_path / "generated/churn/base/server.yaml").read_text()


def test_without_a_store_nothing_is_made(tmp_path: Path) -> None:
    assert compiled(tmp_path, "{}") == 0
    assert not (tmp_path / "generated/fleet").exists()
    assert record_names.RECORD_VOLUME not in (tmp_path / "generated/churn/base/server.yaml").read_text()


@pytest.mark.parametrize("store", ["gs://acme/ml", "/var/records", "s3://"])
def test_a_store_that_nothing_can_write_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], store: str
) -> None:
    assert compiled(tmp_path, f"logs: {{store: '{store}'}}") == ExitCode.FAILED
    assert "aimass.yaml:1" in capsys.readouterr().err
