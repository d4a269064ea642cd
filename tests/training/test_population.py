"""A population learns side by side, and what its last trials take over goes on with other values."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from aimass_compiler.catalog.models.mlp import Mlp
from aimass_compiler.catalog.optimizers.sgd import Sgd
from aimass_compiler.catalog.quantities import Choice, LogUniform, Uniform
from aimass_compiler.pipeline.training import Search
from aimass_compiler.runtime.training import population
from tests.models.examples import TASKS, Watched, budget, examples
from tests.training.projects import PRICE, Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("found", "start"),
    [
        (Uniform[float](uniform=(0.0, 0.4)), 0.1),
        (LogUniform[float](loguniform=(1e-4, 1e-1)), 1e-4),
        (Uniform[int](uniform=(3, 9)), 3),
        (Choice[Any](choice=["a", "b", "c"]), "a"),
    ],
)
def test_a_value_moves_about_in_its_range(found: Any, start: Any) -> None:
    chance, value, seen = random.Random(1), start, set()  # noqa: S311  # no secret
    for _ in range(300):
        value = population._changed(found, value, chance)
        seen.add(value)
    if isinstance(found, Choice):
        assert seen == {"a", "b", "c"}
        return
    low, high = found.ends
    assert all(low <= each <= high and type(each) is type(start) for each in seen)
    assert min(seen) < low + 0.2 * (high - low)
    assert max(seen) > high - 0.2 * (high - low)


def test_a_checkpoint_goes_on_with_the_values_of_now(tmp_path: Path) -> None:
    task, rows, watched = TASKS["binary"], examples("mlp", "binary", 200, 1), examples("mlp", "binary", 80, 2)
    losses = {}
    for name, decay in (("still", 0.0), ("strong", 5.0)):
        kept = tmp_path / name
        before = budget(checkpoint=kept, optimizer=Sgd(learning_rate=0.01, momentum=0.0))
        Mlp(dropout=0.0).train(task, rows, watched, before, Watched(limit=2))
        after = Watched()
        changed = budget(checkpoint=kept, optimizer=Sgd(learning_rate=0.01, momentum=0.0, weight_decay=decay))
        Mlp(dropout=0.0).train(task, rows, watched, changed, after)
        losses[name] = after.losses
    assert losses["still"][:2] == losses["strong"][:2]
    assert losses["still"][2:] != losses["strong"][2:]


@pytest.mark.nightly
def test_the_last_of_a_population_follow_the_best(tmp_path: Path) -> None:
    project = Project.make(tmp_path, PRICE)
    optimizer = {"adam": {"learning_rate": {"loguniform": [1e-6, 0.05]}}}
    project.train(
        Mlp.model_validate({"hidden": [8], "dropout": {"uniform": [0.0, 0.2]}}),
        Search(trials=4, scheduler="pbt", concurrency=2, algorithm="random"),
        epochs=16,
        optimizer=optimizer,
    )
    found, best = project.read("trials.json")["trials"], project.read("best.json")
    assert [trial["status"] for trial in found] == ["done"] * 4
    assert best["value"] == min(trial["value"] for trial in found)
    schedules = [trial["schedule"] for trial in found]
    assert max(map(len, schedules)) > 1  # although two of four learn at once
    for trial, schedule in zip(found, schedules, strict=True):
        after = [each["after"] for each in schedule]
        assert after[0] == 0
        assert after == sorted(after)
        assert schedule[-1]["values"] == trial["parameters"]
    assert best["schedule"] in schedules
    assert len(project.table("history.csv")) == 16
