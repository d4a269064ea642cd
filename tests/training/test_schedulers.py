"""Schedulers stop the trials that fall behind those of the same model, and no others."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.model_choice import ModelChoice
from aimass_compiler.catalog.models.xgboost import Xgboost
from aimass_compiler.pipeline.training import Objective, Search, Training
from aimass_compiler.runtime.training.schedulers import scheduler_of
from aimass_compiler.runtime.training.trial import Assignment
from tests.training.projects import CHURN

ROUNDS = 80
BOOSTED = Xgboost(n_estimators=ROUNDS)
CHOICE = ModelChoice.model_validate(
    {"one_of": [{"xgboost": {"n_estimators": ROUNDS}}, "lightgbm", "naive_bayes"]}
)


class Named(SimpleNamespace):
    """What schedulers know of a trial."""

    __hash__ = object.__hash__


def last_steps(name: str, model: Model | ModelChoice, trials: list[tuple[str, float]]) -> list[int]:
    """The step at which each trial, of a model and with a constant loss, is stopped, or `ROUNDS`."""
    numpy.random.seed(0)  # Ray draws brackets so
    assignment = Assignment(CHURN, model, Objective(metric="log_loss"), Training(), Path())
    scheduler, watched = scheduler_of(assignment, Search.model_validate({"scheduler": name}))
    return [
        last_step(scheduler, watched.get(label, frozenset()), f"{number}", label, loss)
        for number, (label, loss) in enumerate(trials)
    ]


def last_step(scheduler: Any, watched: frozenset[int], number: str, label: str, loss: float) -> int:
    values = {"model": label} if label else {}
    trial = Named(trial_id=number, config={"values": values})
    scheduler.on_trial_add(None, trial)
    for step in sorted(watched):
        result = {"step": step, "training_iteration": step, "validation_loss": loss, "time_total_s": step}
        if scheduler.on_trial_result(None, trial, result) == "STOP":
            return step
    scheduler.on_trial_complete(None, trial, {"step": ROUNDS, "validation_loss": loss, "value": loss})
    return ROUNDS


@pytest.mark.parametrize("name", ["asha", "hyperband", "median"])
def test_what_is_worse_than_all_before_is_stopped(name: str) -> None:
    steps = last_steps(name, BOOSTED, [("", 0.125)] * 30 + [("", 0.875)])
    assert steps[:30] == [ROUNDS] * 30
    assert steps[30] <= ROUNDS / 2


@pytest.mark.parametrize("name", ["asha", "hyperband", "median"])
def test_a_trial_is_compared_with_those_of_its_model_only(name: str) -> None:
    good, bad = [("xgboost", 0.125)] * 30, [("lightgbm", 0.875)] * 5
    assert last_steps(name, CHOICE, [*good, *bad]) == [ROUNDS] * 35


def test_hyperband_looks_earlier_than_asha() -> None:
    many = [("", 0.125)] * 30 + [("", 0.875)] * 30
    assert min(last_steps("hyperband", BOOSTED, many)) == ROUNDS // 8
    assert min(last_steps("asha", BOOSTED, many)) == ROUNDS // 4


def test_nothing_stops_without_a_scheduler() -> None:
    assignment = Assignment(CHURN, BOOSTED, Objective(metric="log_loss"), Training(), Path())
    assert scheduler_of(assignment, Search(scheduler="none")) == (None, {})
