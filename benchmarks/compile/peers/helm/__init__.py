"""Helm: one chart of a model's objects, a values file for all environments and one for each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.compile.measure import Call
from benchmarks.compile.peers import Task, read, write_yaml
from benchmarks.compile.work import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.compile.work import Service

_CHART = Path(__file__).with_name("chart")


class _Helm:
    tool = "helm"
    takes_environments = True

    def texts(self, task: Task) -> Iterable[str]:
        return read(task.folder, "*.out.yaml")

    def _call(self, task: Task, release: str, environment: str) -> Call:
        values = [
            f"--values={task.folder / release}.yaml",
            f"--values={task.folder / release}.{environment}.yaml",
        ]
        argv = (task.tools.paths["helm"], "template", release, str(_CHART), *values)
        return Call(argv, task.folder, task.folder / f"{release}.{environment}.out.yaml")

    def _write_values(self, task: Task, release: str, services: Sequence[Service]) -> None:
        common = {service.name: service.values() for service in services}
        write_yaml(task.folder / f"{release}.yaml", {"models": common})
        for environment in services[0].sizing:
            own = {service.name: service.values_in(environment) for service in services}
            write_yaml(task.folder / f"{release}.{environment}.yaml", {**place(environment), "models": own})


class HelmTogether(_Helm):
    """One release of all models: the chart ranges over them."""

    name = "helm template, all models in one release"

    def prepare(self, task: Task) -> None:
        self._write_values(task, "models", task.services)

    def calls(self, task: Task) -> Sequence[Call]:
        return [self._call(task, "models", environment) for environment in task.environments]


class HelmApart(_Helm):
    """A release for each model."""

    name = "helm template, a release for each model"

    def prepare(self, task: Task) -> None:
        for service in task.services:
            self._write_values(task, service.name, [service])

    def calls(self, task: Task) -> Sequence[Call]:
        return [
            self._call(task, service.name, environment)
            for service in task.services
            for environment in task.environments
        ]
