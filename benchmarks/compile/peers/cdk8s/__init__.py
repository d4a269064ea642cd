"""cdk8s: an app in JavaScript, with a chart for each model in each environment.

`cdk8s synth` runs the same app, after it has started a Node of its own and asked the network for newer
versions. Without it the app is faster.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.compile.measure import Call
from benchmarks.compile.peers import Task, read, write_json
from benchmarks.compile.work import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_APP = Path(__file__).with_name("app")


class Cdk8s:
    """All models in one app."""

    name = "cdk8s (node main.js)"
    tool = "cdk8s"
    takes_environments = False

    def prepare(self, task: Task) -> None:
        shutil.copytree(_APP, task.folder, dirs_exist_ok=True)
        (task.folder / "node_modules").symlink_to(task.tools.paths["cdk8s"])
        models = [
            {
                **service.values(),
                "environments": [{**place(name), **service.values_in(name)} for name in service.sizing],
            }
            for service in task.services
        ]
        write_json(task.folder / "models.json", models)

    def calls(self, task: Task) -> Sequence[Call]:
        return [Call(("node", "main.js"), task.folder)]

    def texts(self, task: Task) -> Iterable[str]:
        return read(task.folder, "dist/*.yaml")
