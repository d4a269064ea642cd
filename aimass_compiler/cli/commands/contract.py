"""Hold a model of your own to what every model of the catalog must do.

Trains it a few times on small examples, for the tasks that are named, and reports what it does otherwise
than the models of the catalog: graphs, shapes, probabilities, seeds and weights. MODEL is a spec's model with
its parameters, the first of each range, or a place in the project such as models/mine.py:Mine.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_root, project_of, spec_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.catalog.model import Model
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.TRAINING,)
EXAMPLES = """
  aimass contract churn                          the model of a spec
  aimass contract models/mine.py:Mine            a class of the project, for all tasks
  aimass contract models/mine.py:Mine --task regression
"""
_TASKS = ("two-classes", "three-classes", "regression")


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "model", metavar="MODEL", help="a spec's name, or FILE.py:NAME below the project's root"
    )
    parser.add_argument(
        "--task", action="append", choices=_TASKS, help="only for this task (may be repeated; default: all)"
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train and report; answers an ExitCode."""
    from aimass_compiler.catalog.model import Budget
    from aimass_compiler.catalog.model_contract import OPTIONAL, Trial
    from aimass_compiler.catalog.optimizers.adam import Adam
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.diagnostics import HintedError

    project = project_of(arguments)
    model = _model(project, arguments.model)
    if model is None:
        return ExitCode.FAILED
    tasks = {
        "two-classes": Task(kind="classification", target="y", classes=("no", "yes")),
        "three-classes": Task(kind="classification", target="y", classes=("low", "middle", "high")),
        "regression": Task(kind="regression", target="y"),
    }
    spent = Budget(
        epochs=6, batch_size=64, patience=5, seed=7, threads=1, optimizer=Adam.default(), root=project.root
    )
    is_met = True
    for name in arguments.task or [name for name, task in tasks.items() if task.kind in model.tasks]:
        print(f"{name}:", flush=True)
        try:
            for requirement, problem in Trial(model.resolved(tasks[name]), tasks[name], spent).results():
                mark = "✓" if not problem else "–" if requirement == OPTIONAL else "✗"
                print(f"  {mark} {requirement}{f': {problem}' if problem else ''}", flush=True)
                is_met = is_met and mark != "✗"
        except HintedError as failed:
            terminal.error(str(failed), failed.help)
            is_met = False
    return ExitCode.DONE if is_met else ExitCode.TRAINING


def _model(project: Project, name: str) -> Model | None:
    """The model of a place in the project, or of a spec; None where what is wrong was shown."""
    from pydantic import ValidationError

    from aimass_compiler.catalog.models.custom import Custom
    from aimass_compiler.cli.views import findings
    from aimass_compiler.compile import Upto, compile_specs

    if ":" in name:
        try:
            return Custom(path=name)
        except ValidationError as error:
            terminal.error(error.errors()[0]["msg"])
            return None
    compiled = compile_specs(project, [spec_of(project, name)], upto=Upto.CHECK)
    pipeline = next(iter(compiled.pipelines.values()), None)
    if pipeline is None:
        findings.show([*compiled.findings], compiled.documents, "people")
        return None
    return _first_values(pipeline.first_model)


def _first_values(model: Model) -> Model:
    from aimass_compiler.pipeline.search_space import ranges
    from aimass_compiler.pipeline.training import Training

    found = ranges(model, Training.default()).items()
    values = {str(path[-1]): value.candidates[0] for path, value in found}
    return model.with_values(values) if values else model
