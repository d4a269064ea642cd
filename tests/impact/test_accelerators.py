"""What a plan says of accelerators: hours and money of fine-tuning and of serving a language model."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from aimass_compiler import conventions
from aimass_compiler.cli.views.cost import cost_changes
from aimass_compiler.cli.views.plan_document import as_json
from aimass_compiler.impact.effects import Effect, Effects, effects
from aimass_compiler.impact.language_cost import OPERATIONS, UTILIZATION
from aimass_compiler.pipeline.accelerator import Accelerator
from aimass_compiler.plan import compare, snapshot_of
from aimass_compiler.project import Project
from aimass_compiler.stages import artifacts
from impact.specs import compiled

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/plan.json").read_text(encoding="utf-8"))
SPEC = """\
apiVersion: aimass/v1
kind: Model
metadata: {name: tickets}
data:
  sources: {tickets: data/tickets.jsonl}
  columns: {prompt: text, answer: text}
target: answer
model:
  language_model:
    base:
      hub: acme/large
      revision: 0123456789abcdef0123456789abcdef01234567
      architecture: {parameters: 8000000000, layers: 32, heads: 32, kv_heads: 8, hidden: 4096}
    sequence_length: 512
training: {epochs: 2, batch_size: 1, gpus: 1, precision: bf16, workers: 2}
serving: {engine: vllm, replicas: {min: 2, max: 3}, resources: {memory: 32Gi}}
"""
SETTINGS = """\
environments:
  dev: {accelerator: {name: nvidia-h100-80gb, memory: 80Gi, hourly: 2.5}}
  prod: {accelerator: {name: NVIDIA-L4, memory: 24Gi, count: 2, hourly: 0.75}}
images: {ray: "rayproject/ray:2.55.1-py311-gpu"}
"""
ROWS = "data/tickets.jsonl"


def planned(root: Path) -> tuple[Effects, Effect]:
    """What a plan of the project means, and its only model."""
    texts = {"specs/tickets.yaml": SPEC, "aimass.yaml": SETTINGS, ROWS: "x" * 4_000_000}
    _, files = compiled(root, texts)
    plan = compare({path: files[path] for path in files if "inventory" not in path}, snapshot_of({}, {}))
    found = effects(plan, root=Project(root).root, documents={})
    return found, found.models[0]


def test_training_and_serving_are_told_in_hours_and_money(tmp_path: Path) -> None:
    found, model = planned(tmp_path)
    told = [change.text for change in cost_changes(model)]
    operations = OPERATIONS * 1_000_000 * 2 * 8_000_000_000
    hours = operations / (989e12 * UTILIZATION) / 3600
    (tuning,) = [text for text in told if text.startswith("fine-tuning")]
    assert f"about {hours:.3g} hours of nvidia-h100-80gb, {2.5 * hours:.3g} USD" in tuning
    assert "about 1 M tokens × 2 epochs × 8 G weights × 6 operations, at 35% of 1978 TFLOP/s" in tuning
    (prod,) = [text for text in told if text.startswith("serving in prod")]
    assert "2,920 to 4,380 hours of NVIDIA-L4, 2,190 to 3,285 USD" in prod
    jsonschema.validate(document := json.loads(as_json(found)), SCHEMA)
    estimate = document["models"][0]["cost"]["after"]
    assert estimate["serving"]["prod"]["accelerators"]["most"] == 4380
    assert estimate["tuning"]["is_counted"] is False
    assert estimate["tuning_money"] == round(2.5 * hours, 2)


def test_tokens_that_were_counted_are_taken(tmp_path: Path) -> None:
    record = tmp_path / conventions.ARTIFACTS_FOLDER / "tickets" / artifacts.FEATURES
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"counts": {"train": {"tokens": 250_000}}}))
    _, model = planned(tmp_path)
    assert any(" estimated: 250 k tokens × 2 epochs" in change.text for change in cost_changes(model))


@pytest.mark.parametrize(
    ("name", "peak"),
    [("nvidia-l4", 121), ("nvidia-l40s", 362), ("NVIDIA-A100-SXM4-80GB", 312), ("gaudi3", None)],
)
def test_peaks_are_known_by_the_words_of_labels(name: str, peak: float | None) -> None:
    assert Accelerator.model_validate({"name": name, "memory": "24Gi"}).peak == peak


def test_a_written_peak_counts(tmp_path: Path) -> None:
    written = {"name": "gaudi3", "memory": "128Gi", "teraflops": 1835.0}
    assert Accelerator.model_validate(written).peak == 1835
