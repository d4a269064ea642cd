"""Suites: a language model tried with the user's own tasks, by EleutherAI's lm-evaluation-harness."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.evaluation.gates import GateResult
from aimass_compiler.runtime.evaluation.measures import shown
from aimass_compiler.runtime.failure import StageFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aimass_compiler.catalog.artifact import Artifact
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.evaluation import Suite, SuiteGate
    from aimass_compiler.runtime.workspace import Workspace

_PROGRAM = "lm_eval"
#: Names the program where it is not on the path.
_VARIABLE = "AIMASS_LM_EVAL"
_INSTALL = "install it in a separate environment, such as with `uv tool install 'lm-eval[hf]'`"
_LAST_LINES = 5


def run_suites(
    suites: Sequence[Suite], artifact: Artifact[Any], task: Task, workspace: Workspace
) -> dict[str, dict[str, float]]:
    """By task, what each of its metrics is; merged weights are asked by transformers, without a network.

    Raises StageFailure where the harness, a task, or a number of one is missing.
    """
    if not suites:
        return {}
    with TemporaryDirectory(prefix="aimass-weights-") as made:
        artifact.package(workspace.folder("train"), workspace.folder("features"), task, Path(made))
        weights = Path(made) / conventions.WEIGHTS_FOLDER
        return {
            name: numbers
            for suite in suites
            for name, numbers in _run(suite, weights, workspace.root).items()
        }


def judge_suites(suites: Sequence[Suite], found: Mapping[str, Mapping[str, float]]) -> list[GateResult]:
    """The gates on what suites found. Raises StageFailure where one names a number that there is not."""
    return [
        _judged(gate, condition, passed, value)
        for suite in suites
        for gate in suite.gates
        for value in [_value(gate, found)]
        for condition, passed in _bounds(gate, value)
    ]


def _value(gate: SuiteGate, found: Mapping[str, Mapping[str, float]]) -> float:
    known = found.get(gate.task, {})
    if gate.metric not in known:
        names = ", ".join(f"`{name}`" for name in known) or "no metric"
        message = f"a gate asks for `{gate.metric}` of the task `{gate.task}`, which has {names}"
        raise StageFailure(ExitCode.GATE, message, "correct `evaluation.suites`, or the task's `metric_list`")
    return known[gate.metric]


def _bounds(gate: SuiteGate, value: float) -> Iterator[tuple[str, bool]]:
    if gate.min is not None:
        yield f"min {gate.min:g}", value >= gate.min
    if gate.max is not None:
        yield f"max {gate.max:g}", value <= gate.max


def _judged(gate: SuiteGate, condition: str, passed: bool, value: float) -> GateResult:
    name = f"{gate.metric} of {gate.task}"
    reason = f"{name} is {shown(value)}" + ("" if passed else f", but the gate asks for {condition}")
    return GateResult(name, name, "test", condition, value, passed, reason)


def _run(suite: Suite, weights: Path, root: Path) -> dict[str, dict[str, float]]:
    how = suite.lm_eval
    folder = root / how.path
    if not folder.is_dir():
        message = f"there is no folder {how.path}, where the tasks of a suite are"
        raise StageFailure(ExitCode.USAGE, message, "paths start at the project's root")
    with TemporaryDirectory(prefix="aimass-suite-") as made:
        command = [
            _program(), "run", "--model", "hf", "--model_args",
            f"pretrained={weights},dtype=float32,trust_remote_code=False", "--device", "cpu",
            "--tasks", ",".join(how.tasks), "--include_path", str(folder), "--output_path", made,
            "--apply_chat_template",
            *(["--limit", str(how.rows)] if how.rows is not None else []),
        ]  # fmt: skip
        offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
        done = subprocess.run(  # noqa: S603  # a list of arguments, never a shell
            command, cwd=root, env=os.environ | offline, capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = "\n".join(f"  {line}" for line in done.stderr.strip().splitlines()[-_LAST_LINES:])
            message = f"lm-evaluation-harness failed on {', '.join(how.tasks)}:\n{last}"
            raise StageFailure(
                ExitCode.FAILED, message, f"the tasks are in {how.path}; they may need no network"
            )
        return _numbers(how.tasks, Path(made))


def _program() -> str:
    """The harness, which is a program of its own: what it needs does not fit beside what DVC needs."""
    beside = Path(sys.executable).with_name(_PROGRAM)
    found = os.environ.get(_VARIABLE) or shutil.which(_PROGRAM)
    found = found or (str(beside) if beside.is_file() else "")
    if not found:
        message = "`evaluation.suites` needs lm-evaluation-harness, and there is no program `lm_eval`"
        raise StageFailure(ExitCode.USAGE, message, _INSTALL)
    return found


def _numbers(tasks: Sequence[str], made: Path) -> dict[str, dict[str, float]]:
    """The metrics of each task, by their names in the harness. Raises StageFailure where a task has none."""
    written = sorted(made.rglob("results*.json"))
    report = json.loads(written[-1].read_text(encoding="utf-8")) if written else {}
    results: Mapping[str, Any] = report.get("results", {})
    found = {}
    for task in tasks:
        numbers = {
            key.partition(",")[0]: float(value)
            for key, value in results.get(task, {}).items()
            if isinstance(value, (int, float)) and "_stderr" not in key and "," in key
        }
        if not numbers:
            message = f"lm-evaluation-harness has no number of the task `{task}`"
            raise StageFailure(ExitCode.FAILED, message, "look at its `metric_list`, and at its rows")
        found[task] = numbers
    return found
