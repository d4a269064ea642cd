"""Environments that an engine brings what is released to, so that no command of ours changes them."""

from __future__ import annotations

from collections.abc import Iterable

from aimass_compiler.cli.clusters import namespace_of, settings_of
from aimass_compiler.cli.selection import UnknownName
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import name_of
from aimass_compiler.project import Project


class EngineApplies(UnknownName):
    """An engine applies what a command would change."""

    exit_code = ExitCode.CONFLICT


def require_no_engine_in(project: Project, environments: Iterable[str], hint: str) -> None:
    """Raises EngineApplies for an environment that the settings leave to an engine."""
    for environment in environments:
        if engine := engine_in(project, environment):
            raise EngineApplies(f"{engine} applies {environment}, and would put back what is changed", hint)


def engine_in(project: Project, environment: str) -> str:
    """What people call the engine of an environment; empty where there is none."""
    from aimass_compiler.pipeline.gitops import ENGINE_NAMES

    return ENGINE_NAMES.get(settings_of(project).engine_of(environment), "")


def by_hand(project: Project, model: str, environment: str) -> str:
    """How people go back at once where an engine applies."""
    from aimass_compiler.fleet.engine_pauses import pause_command, resume_command

    settings, namespace = settings_of(project, model), namespace_of(project, environment, model)
    words = (settings, model, environment, namespace)
    deployment = f"deployment/{name_of(model)}"
    return (
        f"keep it from the model: `{pause_command(*words)}`; go back: `kubectl rollout undo {deployment} "
        f"-n {namespace}`; have git say so: `aimass rollback {model} --env {environment} --pull-request`; "
        f"and once that is merged: `{resume_command(*words)}`"
    )
