"""pipeline.json has every default: what is null in it is absent, and nothing that a stage makes up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.decode.lower import lower
from aimass_compiler.spec.decode.model_spec import ModelSpec
from aimass_compiler.spec.yaml.reader import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

ROOT = Path(__file__).parents[2]
SPECS = sorted([*ROOT.glob("specs/*.yaml"), *ROOT.glob("tests/cases/ok-*/spec.yaml")])
#: What null says, by the path: each means that something is not there, never that a stage chooses.
ABSENT = {
    r"data\.columns\.[^.]+\.(min|max|values)": "no bound, and any name",
    r"data\.split\.(stratify|key)": "no column decides",
    r"data\.sources\..*": "the file says so itself",
    r"features\.\d+\.clip\.(min|max|quantiles)": "no bound",
    r"features\.\d+\.bucket\.(as|bounds)": "the column itself; bounds are learnt",
    r"features\.\d+\.impute\.(value|by)": "what is filled in is learnt, of all rows",
    r"features\.\d+\.ordinal\.(values|limit)": "values are learnt, all of them",
    r"features\.\d+\.select\.(top|variance)": "chosen by the other",
    r"model\.[a-z_]+\.max_depth": "no limit",
    r"search\.time": "no limit",
    r"(environments\.\w+\.)?training\.gradient_norm": "no limit",
    r"(evaluation|retraining)\.gates\.\d+\.(min|max|overfit|beats)": "no such condition",
    r"(environments\.\w+\.)?monitoring\.(retrain\.(on|schedule)|runbook)": "no retraining, no page",
    r"(environments\.\w+\.)?serving\.rollout\.analysis\.errors": "it follows from the availability",
    r"(environments\.\w+\.)?serving\.(gateway|tests\.soak)": "none is wanted",
    r"(environments\.\w+\.)?serving\.access\.callers\.[^.]+\.(rate|quota)(\.requests)?": "no limit",
    r"(environments\.\w+\.)?serving\.objectives\.(latency|first_token|token)\.p\d+": "none is promised",
}


def pipeline_of(path: Path) -> Pipeline:
    document, _ = read_document(path, path.name)
    spec, _ = decode(ModelSpec, document.data, path.name, document.written)
    assert spec is not None
    return lower(spec, Settings(), path.name).pipeline


def nulls(node: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from nulls(value, (*path, key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from nulls(value, (*path, str(place)))
    elif node is None:
        yield ".".join(path)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_is_null_is_absent(path: Path) -> None:
    document = pipeline_of(path).model_dump(mode="json")
    unknown = [name for name in nulls(document) if not any(re.fullmatch(known, name) for known in ABSENT)]
    assert unknown == []


def test_what_was_not_written_still_counts_so() -> None:
    pipeline = pipeline_of(ROOT / "tests/cases/ok-smallest/spec.yaml")
    assert pipeline.evaluation.metrics == pipeline.task.usual_metrics
    assert "metrics" not in pipeline.evaluation.model_fields_set
    assert pipeline.objective.loss == "log_loss"
    assert "loss" not in pipeline.objective.model_fields_set


@pytest.mark.parametrize(("target", "share"), [("churned", "sqrt"), ("tenure", 1 / 3)])
def test_a_forest_says_how_many_features_a_question_chooses_from(
    tmp_path: Path, target: str, share: object
) -> None:
    spec = (ROOT / "tests/cases/ok-smallest/spec.yaml").read_text(encoding="utf-8")
    written = re.sub(r"(?m)^target: .*$", f"target: {target}", spec)
    written = re.sub(r"(?m)^model:.*\n(?: .*\n)*", "", written) + "model: random_forest\n"
    path = tmp_path / "smallest.yaml"
    path.write_text(written, encoding="utf-8")
    assert pipeline_of(path).model.model_dump()["max_features"] == share
