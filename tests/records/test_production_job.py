"""What the CronJob that measures runs, with the arguments of its container, on the files of its ConfigMap."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from render.files import objects
from render.models import pipeline

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.render import findings, render
from aimass_compiler.runtime import metrics_port
from aimass_compiler.runtime.production.__main__ import main
from records.stored import bring, record, url_of

if TYPE_CHECKING:
    import pytest

LABELS = {"source": "s3://lake/truth.csv", "schedule": "30 5 * * *", "delay": "1d"}
GATE = {"metric": "accuracy", "min": 0.9}
MODEL = {
    "monitoring": {"labels": LABELS},
    "serving": {"logs": {"predictions": {"sample": 0.5}}},
    "evaluation": {"gates": [GATE]},
    "task": {"classes": ["a", "b"]},
}
STORE = {"logs": {"store": "s3://acme/predictions"}}


def test_it_measures_as_the_container_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The classes are those of the package, whatever the spec says of them."""
    files = render(pipeline(MODEL, settings=STORE, overrides={"prod": {}}))
    (job,) = [each for each in objects(files, "overlays/prod") if each["kind"] == "CronJob"]
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert mounts == {"model": "/package", "quality": "/etc/aimass", "tmp": "/tmp"}  # noqa: S108  # of the pod
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    begin = datetime.now(UTC) - timedelta(days=2)
    times = [(begin - timedelta(minutes=number)).isoformat() for number in range(60)]
    bring(tmp_path / "store", *(record(number, time=time) for number, time in enumerate(times)))
    known = [f"request-{number},{'yes' if number % 3 else 'no'}" for number in range(60)]
    (tmp_path / "truth.csv").write_text("\n".join(["request_id,churned", *known]))
    for folder in ("package", "etc"):
        (tmp_path / folder).mkdir()
    (tmp_path / "package/signature.json").write_text(json.dumps({"labels": ["no", "yes"]}))
    written = files["overlays/prod/production.json"].decode().replace("s3://lake/truth.csv", "truth.csv")
    (tmp_path / "etc/production.json").write_text(written)
    places = {
        "s3://acme/predictions": url_of(tmp_path / "store"),
        "/etc/aimass": str(tmp_path / "etc"),
        "=/package": f"={tmp_path / 'package'}",
        "--root=/tmp": f"--root={tmp_path}",
        "--port=8080": f"--port={port}",
    }
    told, given = list[str](), "\n".join(container["args"])
    for place, here in places.items():
        assert place in given
        given = given.replace(place, here)

    def ask(_: float) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            told.append(answer.read().decode())

    monkeypatch.setattr(metrics_port.time, "sleep", ask)
    assert container["command"][-1] == "aimass_compiler.runtime.production"
    assert main(given.split("\n")) == ExitCode.DONE, (
        "Prometheus hears of a missed gate, and the job did what it should"
    )
    (series,) = told
    assert 'aimass_quality_rows{model="churn",namespace="ml-prod",version="0123456789ab"} 60.0' in series
    assert re.search(r'gate_missed\{.*metric="accuracy".*sure="yes".*\} 1.0', series)


def test_an_environment_without_a_schedule_or_a_store_has_none() -> None:
    by_hand = {**MODEL, "monitoring": {"labels": {**LABELS, "schedule": None}}}
    for model, settings in ((by_hand, STORE), (MODEL, {}), (MODEL, {"logs": {"store": "file:///records"}})):
        files = render(pipeline(model, settings=settings))
        assert not [each for each in objects(files, "overlays/prod") if each["kind"] == "CronJob"]
        assert yaml.safe_load(files["overlays/prod/quality-alerts.yaml"])["kind"] == "PrometheusRule"
    made = pipeline(MODEL, settings={"logs": {"store": "file:///records"}})
    found = [each for each in findings(made, "specs/churn.yaml") if each.code == "AM573"]
    assert "`file:///records` is a folder of the nodes" in found[0].message
