"""A program that trains: what it is given, what it says while it runs, and what it must leave behind.

docs/own-models.md is the protocol that people write such a program by.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections import deque
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler.catalog.frameworks._custom_estimator import dense
from aimass_compiler.catalog.frameworks._foreign_graph import (
    ForeignModel,
    problem_of,
    require_same,
    scoring_graph,
)
from aimass_compiler.catalog.project_code import CodeError
from aimass_compiler.conventions import MODEL_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy

    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.model import Budget, Progress
    from aimass_compiler.catalog.task import Task

FORMAT = "aimass.trainer/v1"
JOB_FILE = "job.json"
#: The program's own answers to the validation rows, which it may write for the graph to be held against.
PREDICTIONS_FILE = "validation_predictions.csv"
_TARGET, _WEIGHT = "target", "weight"
_LOSSES = ("train_loss", "validation_loss")
_LINES_KEPT = 20
_LONGEST_LINE = 100_000
#: Bytes of the end of each line that a failure shows.
_SHOWN = 500


class ExternalTrainer(Struct, frozen=True):
    """A command with its job: what is trained, on what, and how."""

    command: tuple[str, ...]
    data: str
    parameters: Mapping[str, Any]
    task: Task
    budget: Budget

    def train(self, train: Examples, validation: Examples, progress: Progress) -> ForeignModel:
        """Run it once. Raises CodeError where it fails, or leaves no graph that serves."""
        folder = self._folder()
        parts = {"train": train, "validation": validation}
        for split, part in parts.items():
            self._write_rows(folder, split, part)
        job = json.dumps(self._job(parts), indent=2, ensure_ascii=False)
        (folder / JOB_FILE).write_text(f"{job}\n", encoding="utf-8")
        self._run(folder, progress)
        found = self._graph(folder, dense(train.x, 1_000))
        self._require_own_answers(folder, found, validation)
        shutil.rmtree(folder)
        return found

    def _folder(self) -> Path:
        """An empty folder of this training, below the trial's where there is one."""
        if self.budget.checkpoint is None:
            return Path(tempfile.mkdtemp(prefix="aimass-trainer-"))
        folder = self.budget.checkpoint.with_name("job")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _job(self, parts: Mapping[str, Examples]) -> dict[str, Any]:
        task, count = self.task, parts["train"].x.shape[1]
        return {
            "format": FORMAT,
            "task": {"kind": task.kind, "target": task.target, "classes": list(task.classes)},
            "features": list(self._names(count)),
            "parameters": dict(self.parameters),
            "seed": self.budget.seed,
            "threads": self.budget.threads,
            "gpus": self.budget.gpus,
            "data": self.data,
            "rows": {split: len(part.y) for split, part in parts.items()},
            "has_weights": parts["train"].weights is not None,
        }

    def _names(self, count: int) -> Sequence[str]:
        known = self.budget.features
        return known if len(known) == count else [f"feature_{place}" for place in range(count)]

    def _write_rows(self, folder: Path, split: str, part: Examples) -> None:
        import numpy

        x = dense(part.x)
        if self.data == "npy":
            arrays = {"x": x, "y": part.y, "weights": part.weights}
            for name, values in arrays.items():
                if values is not None:
                    numpy.save(folder / f"{split}_{name}.npy", numpy.asarray(values), allow_pickle=False)
            return
        import polars

        columns = dict(zip(_unique(self._names(x.shape[1])), x.T, strict=True))
        columns[_TARGET] = numpy.asarray(part.y)
        if part.weights is not None:
            columns[_WEIGHT] = part.weights
        table = polars.DataFrame(columns).with_columns(polars.selectors.float().fill_nan(None))
        if self.data == "csv":
            table.write_csv(folder / f"{split}.csv")
        else:
            table.write_parquet(folder / f"{split}.parquet")

    def _run(self, folder: Path, progress: Progress) -> None:
        """Run the command until it ends; it and its children end with this process's training."""
        shown = os.path.relpath(folder, self.budget.root.resolve())
        words = [*self.command, shown if not shown.startswith("..") else str(folder)]
        errors: deque[str] = deque(maxlen=_LINES_KEPT)
        try:
            process = subprocess.Popen(  # noqa: S603  # the command that the spec names
                words,
                cwd=self.budget.root,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            hint = "it must be installed where the model is trained; paths start at the project's root"
            raise CodeError(f"`{self.command[0]}` cannot be run: {error.strerror}", hint) from None
        watcher = Thread(target=errors.extend, args=(_lines(process.stderr),), daemon=True)
        watcher.start()
        try:
            self._follow(process.stdout, progress)
            status = process.wait()
        finally:
            _end(process)
        watcher.join(timeout=1)
        if status:
            raise self._failure(status, errors, folder)

    def _follow(self, output: IO[str] | None, progress: Progress) -> None:
        """Pass on what the program says: JSON objects with a `step` are progress, all else is for people."""
        for line in _lines(output):
            told = _progress_in(line)
            if told is not None:
                progress(*told)
            elif self.budget.say is not None:
                self.budget.say(line)

    def _failure(self, status: int, errors: Sequence[str], folder: Path) -> CodeError:
        name = f"`{' '.join(self.command)}`"
        how = f"failed with exit code {status}" if status > 0 else f"was ended by signal {-status}"
        hint = (
            "perhaps for want of memory" if status == -signal.SIGKILL else f"what it was given is in {folder}"
        )
        said = "".join(f"\n  {line[-_SHOWN:]}" for line in errors)
        return CodeError(f"{name} {how}{':' if said else ' and wrote nothing to stderr'}{said}", hint)

    def _graph(self, folder: Path, x: numpy.ndarray) -> ForeignModel:
        path = folder / MODEL_FILE
        if not path.is_file():
            message = f"`{' '.join(self.command)}` left no {MODEL_FILE}"
            raise CodeError(message, f"it must write it into the folder that is its last argument: {folder}")
        return ForeignModel(
            scoring_graph(path.read_bytes(), self.task, x, f"the {MODEL_FILE} that was written")
        )

    def _require_own_answers(self, folder: Path, found: ForeignModel, validation: Examples) -> None:
        """Hold the graph against what the program itself predicts, where it wrote that."""
        import numpy

        path = folder / PREDICTIONS_FILE
        if not path.is_file():
            return
        try:
            written = numpy.loadtxt(path, delimiter=",", ndmin=2)
        except ValueError as error:
            raise CodeError(f"{PREDICTIONS_FILE} is not rows of numbers: {error}") from None
        if problem := problem_of(written, self.task, len(validation.y)):
            raise CodeError(f"{PREDICTIONS_FILE} {problem}")
        answered = found.predict(dense(validation.x))
        what = f"the {MODEL_FILE} that was written"
        require_same(written, answered, self.task, validation.y, what, "validation")


def _unique(names: Sequence[str]) -> Iterator[str]:
    """The names of the features as columns; those of target and weight belong to these."""
    seen = {_TARGET, _WEIGHT}
    for place, name in enumerate(names):
        chosen = name if name not in seen else f"{name}_{place}"
        seen.add(chosen)
        yield chosen


def _lines(stream: IO[str] | None) -> Iterator[str]:
    while stream is not None and (line := stream.readline(_LONGEST_LINE)):
        yield line.rstrip("\n")


def _progress_in(line: str) -> tuple[int, dict[str, float]] | None:
    """The step and the losses that a line reports, NaN for one that it leaves out."""
    if not line.startswith("{"):
        return None
    try:
        told = json.loads(line)
        step = int(told["step"])
        return step, {name: float(told.get(name, "nan")) for name in _LOSSES}
    except (ValueError, TypeError, KeyError):
        return None


def _end(process: subprocess.Popen[str]) -> None:
    """End what is left of it: itself, where training was stopped, and processes that it left behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
