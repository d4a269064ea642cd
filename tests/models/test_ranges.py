"""What a tunable parameter may be, written as a value or as a range."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from aimass_compiler.catalog.models.mlp import Mlp
from aimass_compiler.catalog.models.random_forest import RandomForest
from aimass_compiler.catalog.models.xgboost import Xgboost
from aimass_compiler.catalog.optimizers.sgd import Sgd
from aimass_compiler.catalog.quantities import Choice, LogUniform, Uniform


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"max_depth": {"choice": [4, 99]}}, "less than or equal to 20"),
        ({"max_depth": {"uniform": [0, 4]}}, "greater than or equal to 1"),
        ({"max_depth": {"uniform": [2.5, 4]}}, "valid integer"),
        ({"max_depth": {"uniform": [8, 4]}}, "must ascend"),
        ({"learning_rate": {"loguniform": [0, 0.1]}}, "greater than 0"),
        ({"reg_alpha": {"loguniform": [0, 1]}}, "must be above 0"),
        ({"max_depth": "4"}, "valid integer"),
    ],
)
def test_an_end_that_cannot_be_the_value_is_refused(written: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Xgboost.model_validate(written)


def test_words_are_listed_not_bounded() -> None:
    assert Mlp.model_validate({"activation": {"choice": ["relu", "tanh"]}}).activation == Choice(
        choice=("relu", "tanh")
    )
    with pytest.raises(ValidationError, match="list others as `choice`"):
        Mlp.model_validate({"activation": {"uniform": ["relu", "tanh"]}})
    with pytest.raises(ValidationError, match="'elu' or 'tanh'"):
        Mlp.model_validate({"activation": {"choice": ["relu", "swish"]}})


def test_layers_are_chosen_as_lists() -> None:
    hidden = Mlp.model_validate({"hidden": {"choice": [[64], [64, 32]]}}).hidden
    assert hidden == Choice(choice=((64,), (64, 32)))


def test_the_ends_of_a_number_are_numbers() -> None:
    gamma = Xgboost.model_validate({"gamma": {"uniform": [0, 1]}}).gamma
    assert isinstance(gamma, Uniform)
    assert [type(end) for end in gamma.ends] == [float, float]


def test_optimizers_have_ranges_too() -> None:
    assert Sgd.model_validate({"learning_rate": {"loguniform": [0.001, 0.1]}}).learning_rate == LogUniform(
        loguniform=(0.001, 0.1)
    )
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        Sgd.model_validate({"momentum": {"choice": [0.5, 1.5]}})
    with pytest.raises(ValidationError, match="needs a `momentum` above 0"):
        Sgd.model_validate({"nesterov": True, "momentum": 0})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"max_depth": 6, "n_estimators": 100}, {"max_depth": 12, "n_estimators": 200}),
        ({"max_depth": 15}, {"max_depth": 20}),
        ({"max_depth": {"choice": [4, 12, 16]}}, {"max_depth": {"choice": [8, 20]}}),
        ({"max_depth": {"uniform": [2, 12]}}, {"max_depth": {"uniform": [4, 20]}}),
    ],
)
def test_capacity_is_doubled_within_its_bounds(before: dict[str, Any], after: dict[str, Any]) -> None:
    adjusted = Xgboost.model_validate({"n_estimators": 50, **before}).adjusted("capacity")
    assert adjusted == Xgboost.model_validate({"n_estimators": 100, **after})


def test_what_has_no_limit_keeps_none_and_what_is_off_starts_small() -> None:
    assert RandomForest().adjusted("capacity").max_depth is None
    assert Mlp(dropout=0.0).adjusted("regularization").dropout == 0.1
    assert Mlp(hidden=(64, 8000)).adjusted("capacity").hidden == (128, 8192)
