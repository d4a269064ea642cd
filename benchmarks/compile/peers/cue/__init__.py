"""CUE: definitions of a model and of its objects, a file for each model, one list of all objects."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.compile.measure import Call
from benchmarks.compile.peers import Task, read
from benchmarks.compile.work import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_PACKAGE = Path(__file__).with_name("package")


class _Cue:
    tool = "cue"
    takes_environments = False

    def prepare(self, task: Task) -> None:
        shutil.copytree(_PACKAGE, task.folder, dirs_exist_ok=True)
        for service in task.services:
            places = {name: {**place(name), **service.values_in(name)} for name in service.sizing}
            model = {service.name: {**service.values(), "environments": places}}
            text = f"package models\n\nmodels: {json.dumps(model, indent=1)}\n"
            path = task.folder / "models" / f"{service.name}.cue"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def texts(self, task: Task) -> Iterable[str]:
        return read(task.folder, "*.out.json")

    def _call(self, task: Task, names: Sequence[str], output: str) -> Call:
        definitions = ("model.cue", "objects.cue", "rules.cue", "dashboard.cue")
        models = [f"models/{name}.cue" for name in names]
        wanted = ("--expression", "objects", "--out", "json")
        argv = (task.tools.paths["cue"], "export", *definitions, *models, *wanted)
        return Call(argv, task.folder, task.folder / f"{output}.out.json")


class CueTogether(_Cue):
    """All models in one evaluation."""

    name = "cue export, all models in one call"

    def calls(self, task: Task) -> Sequence[Call]:
        return [self._call(task, [service.name for service in task.services], "all")]


class CueApart(_Cue):
    """A call for each model."""

    name = "cue export, a call for each model"

    def calls(self, task: Task) -> Sequence[Call]:
        return [self._call(task, [service.name], service.name) for service in task.services]
