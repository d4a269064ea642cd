"""Kapitan: a target for each model in each environment, made of classes.

Its component is Jsonnet's library. It gets its faster halves: go-jsonnet, and reclass-rs for the inventory.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.compile.measure import Call
from benchmarks.compile.peers import Task, read, write_yaml
from benchmarks.compile.peers.jsonnet import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_PROJECT = Path(__file__).with_name("project")
_OPTIONS = ("--quiet", "--inventory-backend", "reclass-rs", "--use-go-jsonnet")


class Kapitan:
    """All targets in one call, in as many processes as there are cores."""

    name = "kapitan compile"
    tool = "kapitan"
    takes_environments = False

    def prepare(self, task: Task) -> None:
        shutil.copytree(_PROJECT, task.folder, dirs_exist_ok=True)
        inventory = task.folder / "inventory"
        for service in task.services:
            write_yaml(
                inventory / "classes" / f"{service.name}.yml", {"parameters": {"model": service.values()}}
            )
            for environment in service.sizing:
                target = {
                    "classes": ["model", environment, service.name],
                    "parameters": {"model": service.values_in(environment)},
                }
                write_yaml(inventory / "targets" / f"{service.name}-{environment}.yml", target)

    def calls(self, task: Task) -> Sequence[Call]:
        search = ("--search-paths", ".", str(LIBRARY))
        return [Call((task.tools.paths["kapitan"], "compile", *_OPTIONS, *search), task.folder)]

    def texts(self, task: Task) -> Iterable[str]:
        return read(task.folder, "compiled/*/manifests/*.json")
