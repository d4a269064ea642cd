"""Between training and evaluation, where it is asked for: train again on folds, and with other seeds.

Nothing is searched again: every training has the parameters of the model that was found. What a fold's
features are fitted on, and what its model learns from and stops by, is its own part of the rows only.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars

from aimass_compiler.catalog.folds import TooFewRowsError
from aimass_compiler.conventions import SPLITS
from aimass_compiler.engines.local import Local
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.progress import say
from aimass_compiler.runtime.stages import features as features_stage
from aimass_compiler.runtime.training.repetition import spread, trained_again
from aimass_compiler.runtime.training.space import OPTIMIZER
from aimass_compiler.runtime.training.trial import Assignment
from aimass_compiler.runtime.workspace import Workspace, read_json, write_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from aimass_compiler.catalog.model import Model
    from aimass_compiler.catalog.model_choice import ModelChoice
    from aimass_compiler.catalog.split import Split
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.catalog.transform import Transform
    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.pipeline.evaluation import Repetition
    from aimass_compiler.pipeline.training import Objective, Training
    from aimass_compiler.runtime.evaluation.measures import Measures

_SCRATCH = "repeat/.scratch"


def run(  # noqa: PLR0913, PLR0917  # each is a part of the pipeline, called by its name
    task: Task,
    columns: Mapping[str, Column],
    split: Split,
    features: Sequence[Transform],
    model: Model | ModelChoice,
    objective: Objective,
    training: Training,
    repetition: Repetition,
    *,
    workspace: Workspace,
) -> None:
    """Write how far the metrics spread. Raises StageFailure where rows are too few or a training fails."""
    document = read_json(workspace.path(artifacts.BEST))
    model, best = _found(model, document)
    matrices, names = workspace.folder("features"), _names(workspace)
    assignment = Assignment(
        task, model, objective, training, matrices, repetition.decision, names, workspace.root
    )
    found: dict[str, Any] = {}
    scratch = workspace.folder(_SCRATCH)
    try:
        if repetition.folds:
            measured = []
            for place, fold in enumerate(_folds(split, repetition.folds, workspace, scratch), 1):
                title = f"fold {place} of {repetition.folds}"
                folder = _features(fold, columns, task, features, title, workspace.root)
                own = replace(assignment, matrices=folder, features=_names(fold))
                measured.append(trained_again(own, best, repetition, fold.folder("train"), title)["test"])
                _say(title, objective.metric, measured[-1])
            found["cross_validation"] = {"folds": repetition.folds, "metrics": spread(measured)}
        if repetition.seeds:
            found["seeds"] = _with_seeds(assignment, best, repetition, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    write_json(workspace.path(artifacts.REPEATS), found)


def _folds(split: Split, count: int, workspace: Workspace, scratch: Path) -> Iterator[Workspace]:
    """A workspace for each fold, with its rows as `prepare` leaves them; the test split is in none."""
    paths = [workspace.path(artifacts.rows(name)) for name in SPLITS if name != "test"]
    rows = Local().table([polars.read_parquet(path) for path in paths])
    try:
        for place, names in enumerate(split.folds(rows, count), 1):
            fold = Workspace(scratch / f"fold-{place}", workspace.model)
            rows.split(names, {name: fold.path(artifacts.rows(name)) for name in SPLITS})
            yield fold
            shutil.rmtree(fold.root, ignore_errors=True)
    except TooFewRowsError as few:
        hint = "ask for fewer `folds` in `evaluation.cross_validation`"
        raise StageFailure(ExitCode.DATA, str(few), hint) from None


def _features(
    fold: Workspace,
    columns: Mapping[str, Column],
    task: Task,
    features: Sequence[Transform],
    title: str,
    root: Path,
) -> Path:
    """The folder of the fold's matrices; what the stage says of all rows it need not say of each fold."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            features_stage.run(columns, task, features, workspace=fold, root=root)
    except StageFailure as failure:
        raise StageFailure(failure.code, f"{title}: {failure.message}", failure.help) from None
    return fold.folder("features")


def _found(model: Model | ModelChoice, document: Mapping[str, Any]) -> tuple[Model, dict[str, Any]]:
    """The model as `train` left it, and what was found of its optimizer."""
    kind = next(type(each) for each in model.candidates if each.kind == document["model"])
    parameters = document["parameters"]
    of_optimizer = {name: value for name, value in parameters.items() if name.startswith(OPTIMIZER)}
    return kind.model_validate(
        {name: value for name, value in parameters.items() if name not in of_optimizer}
    ), of_optimizer


def _names(workspace: Workspace) -> tuple[str, ...]:
    return tuple(read_json(workspace.path(artifacts.FEATURES))["names"])


def _with_seeds(
    assignment: Assignment, best: Mapping[str, Any], repetition: Repetition, scratch: Path
) -> dict[str, Any]:
    """The metrics of every split with one seed after the other, the first of which is that of the model."""
    first, count = int(assignment.training.seed), int(repetition.seeds or 0)
    seeds = [first + place for place in range(count)]
    measured = []
    for seed in seeds:
        training = assignment.training.model_copy(update={"seed": seed})
        own, title = replace(assignment, training=training), f"seed {seed}"
        measured.append(trained_again(own, best, repetition, scratch / title.replace(" ", "-"), title))
        _say(title, assignment.objective.metric, measured[-1]["validation"])
    return {
        "seeds": seeds,
        "metrics": {split: spread([each[split] for each in measured]) for split in SPLITS},
    }


def _say(title: str, metric: str, measured: Measures) -> None:
    value = measured[metric]
    say(f"{title}: {metric} {'not defined' if value is None else f'{value:.6g}'}")
