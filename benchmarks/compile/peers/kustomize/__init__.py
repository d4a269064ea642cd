"""kustomize, alone and in kubectl: a base and an overlay for each environment, as aimass-compile writes them.

Few would write these by hand for a thousand models; here kustomize does not even have to.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from benchmarks.compile.measure import Call
from benchmarks.compile.peers import Task, read, write_yaml
from benchmarks.compile.specs import write_project
from benchmarks.compile.tools import bare_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class _Kustomize:
    takes_environments = True
    tool: str
    command: tuple[str, ...]

    def prepare(self, task: Task) -> None:
        write_project(task.folder, task.services)
        compiler = [task.tools.paths["aimass-compile"], "--root", str(task.folder)]
        subprocess.run(compiler, check=True, capture_output=True, env=bare_environment())
        for environment in task.services[0].sizing:
            overlays = [f"../../generated/{service.name}/overlays/{environment}" for service in task.services]
            write_yaml(task.folder / "all" / environment / "kustomization.yaml", {"resources": overlays})

    def texts(self, task: Task) -> Iterable[str]:
        return read(task.folder, "*.out.yaml")

    def _call(self, task: Task, source: str, name: str) -> Call:
        argv = (task.tools.paths[self.tool], *self.command, str(task.folder / source))
        return Call(argv, task.folder, task.folder / f"{name}.out.yaml")

    def together(self, task: Task) -> Sequence[Call]:
        return [self._call(task, f"all/{name}", name) for name in task.environments]

    def apart(self, task: Task) -> Sequence[Call]:
        return [
            self._call(task, f"generated/{service.name}/overlays/{name}", f"{service.name}.{name}")
            for service in task.services
            for name in task.environments
        ]


class KustomizeTogether(_Kustomize):
    """One kustomization whose resources are all overlays."""

    name = "kustomize build, all models in one kustomization"
    tool = "kustomize"
    command = ("build",)

    def calls(self, task: Task) -> Sequence[Call]:
        return self.together(task)


class KustomizeApart(_Kustomize):
    """A call for each overlay."""

    name = "kustomize build, a call for each overlay"
    tool = "kustomize"
    command = ("build",)

    def calls(self, task: Task) -> Sequence[Call]:
        return self.apart(task)


class KubectlApart(KustomizeApart):
    """The same with the kustomize in kubectl."""

    name = "kubectl kustomize, a call for each overlay"
    tool = "kubectl"
    command = ("kustomize",)
