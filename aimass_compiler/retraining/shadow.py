"""Compares a candidate with the released model on real requests: recorded, or mirrored to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.compile import Upto, compile_specs
from aimass_compiler.model_path import team_of
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.project import Project
from aimass_compiler.retraining.causes import served_environment
from aimass_compiler.stages import artifacts


def compare_on_requests(project: Project, pipeline: Pipeline) -> int | None:
    """Leave what is found of the last requests; an exit code, or None where no requests are on record."""
    earlier = project.root / conventions.ARTIFACTS_FOLDER / pipeline.path / artifacts.SHADOW
    earlier.unlink(missing_ok=True)
    store, environment = pipeline.settings.logs, served_environment(project.root, pipeline)
    if store is None or environment is None:
        return None
    here = pipeline.environments[environment]
    mirroring = _mirroring(project, pipeline, environment)
    if not mirroring and not here.serving.logs.predictions.sample:
        return None
    return _asked(project.root, pipeline.path, here.namespace, store.store, mirroring)


def _mirroring(project: Project, pipeline: Pipeline, environment: str) -> list[str]:
    """The models of the team that send copies of their requests to this one."""
    every = compile_specs(project, project.specs(), upto=Upto.CHECK).pipelines.values()
    team = [each for each in every if team_of(each.path) == team_of(pipeline.path)]
    return sorted(each.name for each in team if _mirrors_to(each, environment) == pipeline.name)


def _mirrors_to(pipeline: Pipeline, environment: str) -> str | None:
    here = pipeline.environments.get(environment)
    gateway = None if here is None else here.serving.gateway
    return None if gateway is None or gateway.mirror is None else gateway.mirror.model


def _asked(root: Path, model: str, namespace: str, store: str, mirroring: list[str]) -> int:
    command = [sys.executable, "-m", "aimass_compiler.runtime.shadow", model, namespace]
    command += [f"--store={store}", f"--root={root}", *(f"--mirrored-by={name}" for name in mirroring)]
    return subprocess.run(command, check=False).returncode  # noqa: S603  # a list of arguments, never a shell
