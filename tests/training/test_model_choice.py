"""A search among several models: each is tried with its own ranges, and what is best is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.catalog.model_choice import ModelChoice
from aimass_compiler.catalog.models.logistic_regression import LogisticRegression
from aimass_compiler.catalog.models.mlp import Mlp
from aimass_compiler.catalog.models.xgboost import Xgboost
from aimass_compiler.catalog.optimizers.sgd import Sgd
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.training import Search, Training
from aimass_compiler.runtime.training.proposals import Clock, Proposal, Proposals, left_over, study_of
from aimass_compiler.runtime.training.space import Space, filled
from aimass_compiler.runtime.training.trial_folders import Outcome, TrialFolders
from tests.training.projects import CHURN, Project

SGD = Training(optimizer=Sgd.model_validate({"learning_rate": {"loguniform": [0.001, 0.1]}}))


def choice(*models: dict[str, Any] | str) -> ModelChoice:
    return ModelChoice.model_validate({"one_of": models})


ENDLESS = choice(
    {"xgboost": {"learning_rate": {"loguniform": [0.01, 0.3]}}},
    {"mlp": {"dropout": {"uniform": [0.0, 0.5]}}},
    "naive_bayes",
)
LISTED = choice({"xgboost": {"max_depth": {"choice": [2, 4]}}}, {"xgboost": {"gamma": 1.0}}, "naive_bayes")


def proposals(folder: Path, space: Space, **search: Any) -> Proposals:
    wanted, trials = Search.model_validate(search), TrialFolders(folder)
    study = study_of(wanted, space, trials.outcomes(), seed=7, greater_is_better=False)
    return Proposals(study, space, trials, left_over(wanted, space, trials), Clock())


def all_of(searcher: Proposals, count: int) -> list[dict[str, Any]]:
    """The values of so many trials, one after the other, each a little worse than the one before."""
    found = []
    for number in range(count):
        proposed = searcher.proposed(str(number))
        if proposed == "FINISHED":
            break
        assert isinstance(proposed, Proposal)
        searcher.on_trial_complete(str(number), {"value": 0.1 * number})
        found.append(proposed.values)
    return found


@pytest.mark.parametrize("algorithm", ["tpe", "random"])
def test_each_model_is_tried_first_and_draws_only_its_own_ranges(tmp_path: Path, algorithm: str) -> None:
    found = all_of(proposals(tmp_path, Space.of(ENDLESS, SGD), algorithm=algorithm), 12)
    assert [values["model"] for values in found[:3]] == ["xgboost", "mlp", "naive_bayes"]
    names = {values["model"]: set(values) - {"model"} for values in found}
    assert names == {
        "xgboost": {"learning_rate"},
        "mlp": {"dropout", "optimizer.learning_rate"},
        "naive_bayes": set(),
    }


def test_what_was_tried_is_not_tried_again(tmp_path: Path) -> None:
    found = all_of(proposals(tmp_path, Space.of(ENDLESS, SGD)), 20)
    assert len(found) == 20
    assert sum(values["model"] == "naive_bayes" for values in found) == 1


def test_a_model_that_does_best_leaves_trials_to_others_when_it_is_used_up(tmp_path: Path) -> None:
    searcher = proposals(tmp_path, Space.of(ENDLESS, SGD))
    found = []
    for number in range(30):
        proposed = searcher.proposed(str(number))
        assert isinstance(proposed, Proposal)
        found.append(proposed.values)
        value = 0.0 if proposed.values["model"] == "naive_bayes" else 1.0
        searcher.on_trial_complete(str(number), {"value": value})
    assert sum(values["model"] == "naive_bayes" for values in found) == 1
    assert len({str(values) for values in found}) == 30


def test_where_all_that_is_listed_was_tried_the_search_ends(tmp_path: Path) -> None:
    found = all_of(proposals(tmp_path, Space.of(LISTED, Training())), 50)
    assert sorted(map(str, found)) == sorted(
        [
            "{'model': 'xgboost', 'max_depth': 2}",
            "{'model': 'xgboost', 'max_depth': 4}",
            "{'model': 'xgboost_2'}",
            "{'model': 'naive_bayes'}",
        ]
    )


def test_a_grid_is_the_combinations_of_each_model() -> None:
    space = Space.of(LISTED, Training())
    assert [space.values(draw) for draw in space.combinations()] == [
        {"model": "xgboost", "max_depth": 2},
        {"model": "xgboost", "max_depth": 4},
        {"model": "xgboost_2"},
        {"model": "naive_bayes"},
    ]


def test_values_make_the_model_that_was_drawn() -> None:
    assert filled(LISTED, SGD, {"model": "xgboost", "max_depth": 4})[0] == Xgboost(max_depth=4)
    assert filled(LISTED, SGD, {"model": "xgboost_2"})[0] == Xgboost(gamma=1.0)
    model, training = filled(ENDLESS, SGD, {"model": "mlp", "dropout": 0.25, "optimizer.learning_rate": 0.01})
    assert model == Mlp(dropout=0.25)
    assert training.optimizer == Sgd(learning_rate=0.01)


def test_what_ended_before_a_kill_is_known_after_it(tmp_path: Path) -> None:
    space = Space.of(ENDLESS, SGD)
    first = proposals(tmp_path, space).proposed("a")
    assert isinstance(first, Proposal)
    TrialFolders(tmp_path).end(Outcome(1, "done", first.draw, first.values, value=0.5))
    after = all_of(proposals(tmp_path, space), 2)
    assert [values["model"] for values in after] == ["mlp", "naive_bayes"]


def test_a_choice_is_written_and_read_as_json() -> None:
    adapter = Pipeline.model_fields["model"]
    written = {"one_of": [{"logistic_regression": {"l2": {"choice": [0.1, 1.0]}}}, "naive_bayes"]}
    (annotation,) = adapter.metadata
    read = annotation._read(written)
    again = annotation._read(annotation._write(read))
    assert again == read
    assert read.one_of[0] == LogisticRegression.model_validate({"l2": {"choice": [0.1, 1.0]}})


@pytest.mark.pipeline
def test_the_best_trial_of_any_model_is_kept_beside_a_baseline(tmp_path: Path) -> None:
    project = Project.make(tmp_path, CHURN)
    model = choice(
        {"decision_tree": {"max_depth": {"choice": [1, 2]}}},
        {"logistic_regression": {"l2": {"choice": [1.0]}}},
        "naive_bayes",
    )
    project.train(model, Search(trials=4, concurrency=2))
    best = project.read("best.json")
    trials = project.read("trials.json")["trials"]
    assert best["value"] == min(trial["value"] for trial in trials)
    (kept,) = [trial for trial in trials if trial["id"] == best["trial"]]
    assert best["model"] == kept["parameters"]["model"]
    assert kept["parameters"].items() <= (best["parameters"] | {"model": best["model"]}).items()
    found = {each["model"]: each for each in best["candidates"]}
    assert {name: each["trials"] for name, each in found.items()} == {
        "decision_tree": 2,
        "logistic_regression": 1,
        "naive_bayes": 1,
    }
    assert found[best["model"]]["value"] == best["value"]
    assert best["baseline"]["value"] == pytest.approx(0.69, abs=0.01), "log loss of two classes alike"
    assert project.table("history.csv") == []
