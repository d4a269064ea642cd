"""Lowering writes every default out, resolves selectors and applies environments to what was written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from aimass_compiler.catalog.optimizers.adam import Adam
from aimass_compiler.catalog.optimizers.sgd import Sgd
from aimass_compiler.diagnostics import Finding
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Settings
from tests.cases.front_end import base, checked


def lowered(change: str = "", *without: str, settings: Settings | None = None) -> Pipeline:
    pipeline, findings = checked(without_keys(base(change), without), settings)
    assert [finding for finding in findings if finding.is_error] == []
    assert pipeline is not None
    return pipeline


def without_keys(data: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in keys}


def written(pipeline: Pipeline) -> list[tuple[str, tuple[str, ...]]]:
    return [(transform.kind, transform.columns_read) for transform in pipeline.features]


def the_finding(change: str) -> Finding:
    [finding] = checked(base(change))[1]
    return finding


def test_features_by_default_suit_a_linear_model() -> None:
    gaps = "data: {columns: {charges: {type: number, missing: 0.1}, note: text}}"
    assert written(lowered(gaps, "features")) == [
        ("impute", ("charges",)),
        ("standardize", ("tenure", "charges")),
        ("one_hot", ("plan",)),
        ("hash_text", ("note",)),
    ]


def test_features_by_default_leave_gaps_to_trees() -> None:
    gaps = "data: {columns: {charges: {type: number, missing: 0.1}}}"
    assert written(lowered(gaps, "features", "model")) == [("one_hot", ("plan",))]


def test_features_by_default_leave_out_the_column_that_names_the_splits() -> None:
    part = "data: {columns: {part: category}, split: {by: column, column: part}}"
    assert ("one_hot", ("plan",)) in written(lowered(part, "features"))


@pytest.mark.parametrize(
    ("change", "metric", "model"),
    [
        ("", "roc_auc", "xgboost"),
        ("data: {columns: {churned: {values: [no, maybe, yes]}}}", "log_loss", "xgboost"),
        ("target: charges", "root_mean_squared_error", "xgboost"),
        ("data: {columns: {photo: {type: image, shape: [1, 8, 8]}}}", "roc_auc", "cnn"),
    ],
)
def test_model_and_metric_by_default(change: str, metric: str, model: str) -> None:
    pipeline = lowered(change, "model", "features")
    assert (pipeline.objective.metric, pipeline.model.kind) == (metric, model)


def test_a_selector_means_the_columns_of_that_type_at_that_point() -> None:
    features = (
        "features: [bucket: tenure, standardize: {type: number}, one_hot: {type: category, but: [region]}]"
    )
    region = "data: {columns: {region: category}}"
    assert written(lowered(f"{region}\n{features}")) == [
        ("bucket", ("tenure",)),
        ("standardize", ("charges",)),
        ("one_hot", ("plan",)),
    ]


def test_a_selector_that_matches_nothing_is_told() -> None:
    finding = the_finding("features: [impute: {type: text}, one_hot: plan]")
    assert (finding.code, finding.path) == ("AM206", ("features", 0, "impute", "columns"))
    assert "`plan` (category)" in finding.help


def test_an_environment_that_is_not_declared_is_told() -> None:
    finding = the_finding("environments: {prdo: {}}")
    assert (finding.code, finding.path, finding.help) == (
        "AM207",
        ("environments", "prdo"),
        "did you mean `prod`?",
    )


def test_an_environment_keeps_what_it_does_not_write() -> None:
    pipeline = lowered(
        "serving: {replicas: {min: 2, max: 8}, tests: {load: {for: 3s}}, resources: {cpu: 1}}\n"
        "environments: {prod: {serving: {replicas: {min: 4}, gateway: {host: a.example.com}}}}"
    )
    usual, prod = pipeline.environments["dev"].serving, pipeline.environments["prod"].serving
    assert usual == pipeline.serving
    assert (prod.replicas.min, prod.replicas.max, prod.resources.cpu) == (4, 8, "1")
    assert prod.tests.load.duration == "3s"
    assert prod.gateway is not None


def test_an_environment_may_choose_another_kind() -> None:
    pipeline = lowered(
        "model: mlp\ntraining: {optimizer: {adam: {learning_rate: 0.1}}}\n"
        "environments:\n  dev: {training: {optimizer: {sgd: {momentum: 0.5}}}}\n"
        "  prod: {training: {optimizer: {adam: {weight_decay: 0.2}}}}"
    )
    assert pipeline.environments["dev"].training.optimizer == Sgd(momentum=0.5)
    assert pipeline.environments["prod"].training.optimizer == Adam(learning_rate=0.1, weight_decay=0.2)


def test_environments_are_those_of_the_settings() -> None:
    settings = Settings.model_validate({"environments": {"test": {"namespace": "lab"}, "live": {}}})
    pipeline = lowered(settings=settings)
    assert {name: found.namespace for name, found in pipeline.environments.items()} == {
        "test": "lab",
        "live": "ml-live",
    }


def test_a_pipeline_cannot_change() -> None:
    with pytest.raises(ValidationError):
        lowered().metadata.name = "other"  # type: ignore[misc]  # that is what is tried


def test_a_pipeline_survives_being_written_as_json() -> None:
    pipeline = lowered("model: {xgboost: {max_depth: {choice: [4, 6]}}}\nserving: {tests: {load: {for: 3s}}}")
    document = json.loads(pipeline.model_dump_json())
    assert "settings" not in document
    assert Pipeline.model_validate({**document, "settings": pipeline.settings}) == pipeline
