"""A fix of a spec that could be trained changes nothing of what is learnt, unless it says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest

from aimass_compiler import checks
from aimass_compiler.conventions import SPLITS
from aimass_compiler.diagnostics import has_errors
from aimass_compiler.pipeline import search_space
from aimass_compiler.runtime.stages import evaluate, features, prepare, train
from aimass_compiler.runtime.workspace import Workspace
from aimass_compiler.spec.yaml.reader import parse
from aimass_compiler.stages import artifacts
from tests.cases.front_end import SHOWN, base, checked, fixed

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.pipeline import Pipeline

#: Beside the examples of each code: the same in every place where it can stand.
OTHERS = (
    "data: {clean: [drop_missing: [tenure, plan, tenure]]}",
    "data: {clean: [drop_duplicates: {by: [customer_id, customer_id]}]}",
    "data: {split: {by: hash, key: [customer_id, plan, customer_id]}}",
    "features: [cross: {columns: [plan, region, plan], size: 50}, drop: [tenure, charges, plan, region]]\n"
    "data: {columns: {region: category}}",
    "features: [min_max: tenure, standardize: [tenure, charges], one_hot: plan]\nmodel: xgboost",
    "evaluation: {metrics: [f1, roc_auc, f1]}",
    "evaluation: {gates: [{metric: f1, overfit: 0.01}, {metric: f1, overfit: 0.5}]}",
)


def sound_with_a_fix() -> list[str]:
    """The changes of the base spec after which it can be trained, and something is proposed for it."""
    changes = [
        example.fails for example in checks.EXAMPLES if example.of == "change" and not example.settings
    ]
    found = []
    for change in (*changes, *OTHERS):
        pipeline, told = checked(base(change))
        if pipeline is not None and not has_errors(told) and any(finding.fix for finding in told):
            found.append(change)
    return found


def write_rows(root: Path) -> None:
    chance = numpy.random.default_rng(3)
    count = 240
    tenure = chance.integers(0, 60, count).astype(float)
    table = {
        "customer_id": [f"c{number}" for number in range(count)],
        "tenure": tenure,
        "charges": chance.normal(50, 20, count).round(2),
        "plan": chance.choice(["basic", "plus", "pro"], count),
        "region": chance.choice(["n", "s", "e", "w"], count),
        "churned": numpy.where(tenure + chance.normal(0, 12, count) > 30, "yes", "no"),
    }
    (root / "data").mkdir()
    polars.DataFrame(table).write_csv(root / "data/customers.csv")


def learnt(pipeline: Pipeline, workspace: Workspace) -> dict[str, Any]:
    """What the stages leave that a model depends on."""
    prepare.run(pipeline.data, pipeline.task, workspace=workspace)
    features.run(pipeline.data.columns, pipeline.task, pipeline.features, workspace=workspace)
    folder = workspace.folder("features")
    left: dict[str, Any] = {
        f"{split}_{part}": (folder / f"{split}_{part}.npy").read_bytes() for split in SPLITS for part in "xy"
    }
    ranges = search_space.ranges(pipeline.model, pipeline.training)
    if ranges:  # to search is slow; it is the same when all that it draws from is
        search = pipeline.search
        scheduler = search.scheduler if pipeline.model.learns_in_steps else "none"
        at_once = min(search.concurrency, search.trials)
        return left | {"search": (repr(ranges), search.trials, search.algorithm, scheduler, at_once)}
    training = pipeline.training.model_copy(update={"gpus": 0})  # which no model has that warns of them
    train.run(
        pipeline.task, pipeline.model, pipeline.objective, pipeline.search, training, pipeline.retraining,
        workspace=workspace,
    )  # fmt: skip
    evaluation = pipeline.evaluation.model_copy(update={"gates": ()})
    evaluate.run(pipeline.task, pipeline.data.columns, evaluation, pipeline.objective, workspace=workspace)
    model = (workspace.folder("train") / "model.onnx").read_bytes()
    return left | {"model": model, "metrics": json.loads(workspace.path(artifacts.METRICS).read_text())}


@pytest.mark.slow  # it trains
@pytest.mark.parametrize("change", sound_with_a_fix())
def test_a_safe_fix_changes_nothing_of_what_is_learnt(change: str, tmp_path: Path) -> None:
    write_rows(tmp_path)
    spec = tmp_path / SHOWN
    spec.parent.mkdir()
    spec.write_text(json.dumps(base(change), indent=1))
    made = fixed(tmp_path, [spec])
    before, _ = checked(base(change))
    after, told = checked(parse(made.after.get(spec, spec.read_bytes()).decode(), SHOWN)[0].data)
    assert before
    assert after
    assert not has_errors(told)
    if before == after:  # nothing is safe, or what was written is the default
        return
    assert learnt(before, Workspace(tmp_path, "before")) == learnt(after, Workspace(tmp_path, "after"))


def test_what_is_not_safe_is_made_only_when_asked_for(tmp_path: Path) -> None:
    change = "model: decision_tree\ndata: {columns: {tenure: {type: number, min: 0, max: 120}}}"
    spec = tmp_path / SHOWN
    spec.parent.mkdir()
    spec.write_text(json.dumps(base(change), indent=1))
    assert fixed(tmp_path, [spec]).after == {}
    asked = fixed(tmp_path, [spec], is_unsafe_too=True)
    assert [finding.code for finding in asked.made] == ["AM269"]
