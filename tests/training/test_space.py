"""Ranges are drawn, listed, and filled with values; Optuna goes on where it was."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest
from optuna.trial import TrialState

from aimass_compiler.catalog.models.mlp import Mlp
from aimass_compiler.catalog.models.xgboost import Xgboost
from aimass_compiler.catalog.optimizers.sgd import Sgd
from aimass_compiler.pipeline.training import Objective, Search, Training
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.training.proposals import Clock, Proposal, Proposals, left_over, study_of
from aimass_compiler.runtime.training.space import Space, filled
from aimass_compiler.runtime.training.trial import Assignment
from aimass_compiler.runtime.training.trial_folders import Outcome, TrialFolders
from aimass_compiler.runtime.training.warm_start import WarmStart, warm_start
from tests.training.projects import CHURN, Project

if TYPE_CHECKING:
    from pathlib import Path

MODEL = Mlp.model_validate({"hidden": {"choice": [[8], [16, 8]]}, "dropout": {"uniform": [0.0, 0.5]}})
TRAINING = Training(optimizer=Sgd.model_validate({"learning_rate": {"loguniform": [0.001, 0.1]}}))
GRID = Space.of(
    Xgboost.model_validate({"max_depth": {"choice": [4, 6]}, "gamma": {"choice": [0.0, 1.0]}}), Training()
)


def test_the_optimizers_ranges_count_for_what_has_an_optimizer() -> None:
    assert list(Space.of(MODEL, TRAINING).ranges) == ["hidden", "dropout", "optimizer.learning_rate"]
    assert list(Space.of(Xgboost(), TRAINING).ranges) == []


def test_draws_are_counted_where_they_end() -> None:
    assert GRID.size == len(GRID.combinations()) == 4
    assert Space.of(MODEL, TRAINING).size == math.inf


def test_a_draw_becomes_values_and_values_fill_the_ranges() -> None:
    space = Space.of(MODEL, TRAINING)
    values = space.values({"hidden": 1, "dropout": 0.25, "optimizer.learning_rate": 0.01})
    model, training = filled(MODEL, TRAINING, values)
    assert model == Mlp(hidden=(16, 8), dropout=0.25)
    assert training.optimizer == Sgd(learning_rate=0.01)


def test_a_grid_is_every_combination() -> None:
    assert [GRID.values(draw) for draw in GRID.combinations()] == [
        {"max_depth": depth, "gamma": gamma} for depth in (4, 6) for gamma in (0.0, 1.0)
    ]


def proposals(folder: Path, search: Search, space: Space, clock: Clock | None = None) -> Proposals:
    trials = TrialFolders(folder)
    study = study_of(search, space, trials.outcomes(), seed=7, greater_is_better=False)
    return Proposals(study, space, trials, left_over(search, space, trials), clock or Clock())


def drawn(found: object) -> dict[str, float]:
    assert isinstance(found, Proposal)
    return dict(found.values)


@pytest.mark.parametrize("algorithm", ["tpe", "random", "cma_es"])
def test_the_seed_decides_what_is_proposed(tmp_path: Path, algorithm: str) -> None:
    search, space = Search.model_validate({"algorithm": algorithm}), Space.of(MODEL, TRAINING)
    first = proposals(tmp_path / "one", search, space)
    second = proposals(tmp_path / "two", search, space)
    assert [first.proposed(name) for name in "abc"] == [second.proposed(name) for name in "abc"]


NUMBERS = Space.of(
    Xgboost.model_validate({"gamma": {"uniform": [0.0, 1.0]}, "subsample": {"uniform": [0.1, 1.0]}}),
    Training(),
)


@pytest.mark.parametrize("algorithm", ["tpe", "cma_es"])
def test_what_is_proposed_nears_what_was_good(tmp_path: Path, algorithm: str) -> None:
    """The loss is the distance from a corner: later trials are closer to it than the first."""
    searcher = proposals(tmp_path, Search.model_validate({"algorithm": algorithm}), NUMBERS)
    losses = []
    for number in range(60):
        values = drawn(searcher.proposed(str(number)))
        losses.append(abs(values["gamma"] - 0.9) + abs(values["subsample"] - 0.2))
        searcher.on_trial_complete(str(number), {"value": losses[-1]})
    assert sum(losses[-20:]) < 0.6 * sum(losses[:20])


def test_cma_es_goes_on_where_earlier_trials_were_good(tmp_path: Path) -> None:
    search, trials = Search(algorithm="cma_es"), TrialFolders(tmp_path)
    for number in range(1, 21):
        draw = {"gamma": 0.9, "subsample": 0.2} if number % 2 else {"gamma": 0.1, "subsample": 0.9}
        draw = {name: value + number / 1000 for name, value in draw.items()}
        trials.end(Outcome(number, "done", draw, draw, value=float(number % 2 == 0)))
    searcher = proposals(tmp_path, search, NUMBERS)
    found = []
    for number in range(8):
        found.append(drawn(searcher.proposed(str(number))))
        searcher.on_trial_complete(str(number), {"value": 1.0})
    assert sum(values["gamma"] > 0.5 for values in found[1:]) >= 5


def test_what_was_left_comes_first_and_nothing_is_proposed_twice(tmp_path: Path) -> None:
    search, space = Search(), Space.of(MODEL, TRAINING)
    before = proposals(tmp_path, search, space)
    one, two = before.proposed("a"), before.proposed("b")
    assert isinstance(one, Proposal)
    TrialFolders(tmp_path).end(Outcome(1, "done", one.draw, one.values, value=0.5))
    after = proposals(tmp_path, search, space)
    assert after.proposed("c") == two
    new = after.proposed("d")
    assert isinstance(new, Proposal)
    assert new.id == 3
    assert drawn(new) not in (drawn(one), drawn(two))


def test_a_grid_goes_on_with_what_has_not_ended(tmp_path: Path) -> None:
    search = Search(algorithm="grid")
    for status, number in (("done", 1), ("failed", 3)):
        draw = GRID.combinations()[number - 1]
        value = 0.1 if status == "done" else None
        TrialFolders(tmp_path).end(Outcome(number, status, draw, GRID.values(draw), value))  # type: ignore[arg-type]  # a status
    after = proposals(tmp_path, search, GRID)
    assert [drawn(after.proposed(name)) for name in "ab"] == [
        {"max_depth": 4, "gamma": 1.0},
        {"max_depth": 6, "gamma": 1.0},
    ]


TIME_IS_UP = Clock(limit=1.0, before=math.inf)


def test_when_time_is_up_only_the_first_trial_starts(tmp_path: Path) -> None:
    after = proposals(tmp_path, Search(), Space.of(MODEL, TRAINING), TIME_IS_UP)
    assert isinstance(after.proposed("a"), Proposal)
    assert after.proposed("b") is None, "whether `a` is done must be seen first"
    after.on_trial_complete("a", {"value": 0.1})
    assert after.proposed("b") == "FINISHED"


EARLIER = [
    {"id": 1, "status": "done", "value": 0.5, "parameters": {"gamma": 0.1, "subsample": 0.9}},
    {"id": 2, "status": "done", "value": 0.1, "parameters": {"gamma": 0.9, "subsample": 0.2}},
    {"id": 3, "status": "stopped", "value": None, "parameters": {"gamma": 0.5, "subsample": 0.5}},
    {"id": 4, "status": "done", "value": 0.0, "parameters": {"gamma": 7.0, "subsample": 0.2}},
    {"id": 5, "status": "done", "value": 0.0, "parameters": {"depth": 3}},
]


def warm(folder: Path, metric: str, algorithm: str = "tpe") -> WarmStart | None:
    (folder / "before.json").write_text(json.dumps({"metric": metric, "trials": EARLIER}))
    assignment = Assignment(CHURN, Xgboost(), Objective(metric="log_loss"), Training(), folder, root=folder)
    search = Search.model_validate({"warm_start": "before.json", "algorithm": algorithm})
    return warm_start(assignment, search, NUMBERS)


def test_a_search_begins_with_the_best_that_an_earlier_one_found(tmp_path: Path) -> None:
    found = warm(tmp_path, "log_loss")
    assert found is not None
    assert [outcome.id for outcome in found.trials] == [2, 1], "others are no such draws, or not done"
    study = study_of(Search(trials=4), NUMBERS, [], seed=7, greater_is_better=False, warm=found)
    found.begin(study, 4)
    assert [trial.value for trial in study.get_trials(states=[TrialState.COMPLETE])] == [0.1, 0.5]
    searcher = Proposals(study, NUMBERS, TrialFolders(tmp_path / "new"), [], Clock())
    assert drawn(searcher.proposed("a")) == {"gamma": 0.9, "subsample": 0.2}
    assert drawn(searcher.proposed("b")) != {"gamma": 0.1, "subsample": 0.9}, "a quarter of the trials"


def test_values_of_another_metric_are_not_compared(tmp_path: Path) -> None:
    found = warm(tmp_path, "roc_auc")
    assert found is not None
    assert found.trials == []
    assert len(found.best) == 2


def test_a_grid_begins_nowhere_else(tmp_path: Path) -> None:
    assert warm(tmp_path, "log_loss", "grid") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"trials": [{}]}', '{"trials": 3}'])
def test_what_no_search_wrote_is_no_beginning(tmp_path: Path, text: str) -> None:
    (tmp_path / "before.json").write_text(text)
    objective = Objective(metric="log_loss")
    assignment = Assignment(CHURN, Xgboost(), objective, Training(), tmp_path, root=tmp_path)
    with pytest.raises(StageFailure, match=r"before\.json is no trials\.json of a search"):
        warm_start(assignment, Search(warm_start="before.json"), NUMBERS)


def test_a_draw_is_found_again_by_its_values() -> None:
    for space, draw in ((GRID, GRID.combinations()[2]), (NUMBERS, {"gamma": 0.5, "subsample": 0.25})):
        assert space.draw(space.values(draw)) == draw
    assert GRID.draw({"max_depth": 5, "gamma": 0.0}) is None


def test_a_search_ends_when_its_trials_have_cost_enough(tmp_path: Path) -> None:
    spent = Clock(trial_limit=3600.0, ended=3599.0)
    spent.running["before"] = spent.started - 3600.0
    searcher = proposals(tmp_path, Search(), Space.of(MODEL, TRAINING), spent)
    assert isinstance(searcher.proposed("a"), Proposal), "for there must be a model"
    searcher.on_trial_complete("a", {"value": 0.1})
    assert searcher.proposed("b") == "FINISHED"
    assert spent.trial_seconds >= 3600 + 3599
    assert not spent.running


def test_a_budget_of_money_is_one_of_hours() -> None:
    assert Search(cost=5.0, cost_per_hour=0.5).trial_seconds == 10 * 3600
    assert Search(cost=5.0).trial_seconds is None


def test_when_time_is_up_trials_go_on_until_one_is_done(tmp_path: Path) -> None:
    search, space = Search(), Space.of(MODEL, TRAINING)
    before = proposals(tmp_path, search, space)
    for number, status in enumerate(("stopped", "failed"), start=1):
        drawn_for = before.proposed(status)
        assert isinstance(drawn_for, Proposal)
        TrialFolders(tmp_path).end(Outcome(number, status, drawn_for.draw, drawn_for.values))  # type: ignore[arg-type]  # a status
    after = proposals(tmp_path, search, space, TIME_IS_UP)
    for name in "ab":
        assert isinstance(after.proposed(name), Proposal)
        after.on_trial_complete(name, error=True)
    assert isinstance(after.proposed("c"), Proposal)
    after.on_trial_complete("c", {"value": 0.5})
    assert after.proposed("d") == "FINISHED"


def test_other_rows_or_settings_are_another_search(tmp_path: Path) -> None:
    project = Project.make(tmp_path, CHURN)
    features = project.workspace.folder("features")

    def folder(search: Search, seed: int = 0) -> Path:
        assignment = Assignment(CHURN, MODEL, Objective(metric="log_loss"), Training(seed=seed), features)
        return TrialFolders.of(project.workspace, assignment, search).folder

    first = folder(Search(trials=3))
    assert folder(Search(trials=3)) == first
    assert folder(Search(trials=4)) != first
    assert not first.exists()
    assert folder(Search(trials=3), seed=1) != folder(Search(trials=3))
    (features / "train_y.npy").write_bytes((features / "test_y.npy").read_bytes())
    assert folder(Search(trials=3)) != first
