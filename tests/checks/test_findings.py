"""What the checks find beyond their examples: in the flow of columns, in environments, in amounts."""

from __future__ import annotations

import pytest

from tests.cases.front_end import base, checked


def codes(change: str) -> list[str]:
    return [finding.code for finding in checked(base(change))[1]]


CHARGES_HAVE_GAPS = "data: {columns: {charges: {type: number, missing: 0.1}}}\n"


@pytest.mark.parametrize(
    "features",
    [
        "[impute: charges, one_hot: plan]",
        "[standardize: charges, impute: charges, one_hot: plan]",
        "[impute: {columns: charges, indicator: true}, one_hot: plan]",
        "[bucket: charges, one_hot: plan]",
        "[drop: charges, one_hot: plan]",
        "[compute: {name: had, formula: missing(charges)}, drop: charges, one_hot: plan]",
        "[compute: {name: had, formula: '2 * missing(charges) + tenure'}, drop: charges, one_hot: plan]",
        "[compute: {name: high, formula: charges > 3}, drop: charges, one_hot: plan]",
        "[impute: {columns: charges, with: constant, value: 0}, select: 1, one_hot: plan]",
    ],
)
def test_gaps_that_are_filled_or_left_out_are_fine(features: str) -> None:
    assert codes(f"{CHARGES_HAVE_GAPS}features: {features}") == []


@pytest.mark.parametrize(
    "features",
    [
        "[one_hot: plan]",
        "[standardize: charges, one_hot: plan]",
        "[log: charges, clip: {columns: charges, min: 0}, one_hot: plan]",
        "[compute: {name: twice, formula: 2 * charges}, drop: charges, one_hot: plan]",
        "[compute: {name: twice, formula: 2 * charges}, impute: charges, one_hot: plan]",
        "[select: {top: 1}, one_hot: plan]",
    ],
)
def test_gaps_that_reach_the_model_are_told_once(features: str) -> None:
    assert codes(f"{CHARGES_HAVE_GAPS}features: {features}") == ["AM222"]


def test_a_model_that_takes_gaps_needs_nothing_filled() -> None:
    assert codes(f"{CHARGES_HAVE_GAPS}model: xgboost\nfeatures: [one_hot: plan]") == []


def test_a_category_with_gaps_is_all_zeros() -> None:
    assert codes("data: {columns: {plan: {type: category, missing: 0.2}}}") == []


def test_one_mistake_is_told_once() -> None:
    features = "[bucket: {column: tenur, as: years}, one_hot: [plan, years], standardize: years]"
    assert codes(f"features: {features}") == ["AM210", "AM212"]


def test_what_is_told_names_the_transform_that_came_before() -> None:
    found = checked(base("features: [bucket: tenure, one_hot: plan, cross: [plan, tenure]]"))[1]
    assert {finding.message for finding in found} == {
        "`cross` takes a category or a bucket or code, but `one_hot` made `plan` a vector"
    }
    assert found[0].related[0].path == ("features", 1, "one_hot")
    assert found[0].help == "put `cross` before it"


def test_columns_that_serve_another_purpose_need_not_become_features() -> None:
    assert codes("features: [log: tenure]") == ["AM216"]
    assert codes("features: [log: tenure]\nevaluation: {slices: [plan]}") == []
    assert codes("features: [log: tenure]\ndata: {split: {by: random, stratify: plan}}") == []


def test_a_gate_of_either_direction_may_bound_overfitting() -> None:
    gates = (
        "[{metric: roc_auc, overfit: 0.05}, {metric: log_loss, overfit: 0.1}, {metric: f1, beats: released}]"
    )
    assert codes(f"evaluation: {{gates: {gates}}}") == []


def test_an_override_is_told_where_it_was_written() -> None:
    change = "serving: {replicas: {min: 2, max: 4}}\nenvironments: {prod: {serving: {replicas: {min: 6}}}}"
    [finding] = checked(base(change))[1]
    assert finding.path == ("environments", "prod", "serving", "replicas", "min")
