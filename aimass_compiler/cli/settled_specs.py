"""Which specs a plan need not compile: what was generated for them is as it should be, and as it was."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from aimass_compiler import conventions
from aimass_compiler.compile_cache import CompileCache
from aimass_compiler.diagnostics import Finding
from aimass_compiler.model_path import owner_of
from aimass_compiler.programs import git
from aimass_compiler.project import Project


class SettledSpecs(Struct, frozen=True):
    """Specs that are settled, and the others."""

    others: Sequence[Path]
    """What is to be compiled."""
    models: Mapping[str, int] = field(default_factory=dict)
    """The models of those that are settled, each with how many files it has."""
    touched: frozenset[str] = frozenset()
    """The folders below generated/ that differ from what is compared with."""
    findings: Sequence[Finding] = ()
    """The warnings of those that are settled."""

    @property
    def files(self) -> int:
        """How many files are not looked into."""
        return sum(self.models.values())

    def has(self, path: str) -> bool:
        """Whether a file below generated/ is of a model that is settled."""
        return owner_of(path, self.models) in self.models


def settled_specs(
    project: Project, specs: Sequence[Path], cache: CompileCache, against: str | None
) -> SettledSpecs:
    """What the cache knows to be in step, and where a revision is compared with, git to be the same there."""
    from aimass_compiler.generate.recorded_findings import recorded

    names = {path: name for path in specs if (name := project.spec_name(path))}
    known = cache.unchanged([*names.values()])
    models = {project.model_of(path): known[name] for path, name in names.items() if name in known}
    touched: frozenset[str] = frozenset()
    if against is not None and models:
        differing = _touched(project, against, models)
        if differing is None:
            return SettledSpecs(specs)
        touched = differing
        models = {model: count for model, count in models.items() if model not in touched}
    others = [path for path in specs if project.model_of(path) not in models]
    kept = [name for path, name in names.items() if project.model_of(path) in models]
    return SettledSpecs(others, models, touched, recorded(cache, kept))


def _touched(project: Project, against: str, models: Collection[str]) -> frozenset[str] | None:
    """The folders of models that differ from a revision; None where git does not say or keep them."""
    folder = conventions.GENERATED_FOLDER
    try:
        commit = git.commit_of(against, project.root)
        kept = git.files_at(commit, project.root, [f"{folder}/{min(models)}/{conventions.INVENTORY_FILE}"])
        changed = git.changed_since(commit, project.root, folder)
        beside = [path for path in git.changed_or_untracked(project.root) if path.startswith(f"{folder}/")]
    except git.GitError:
        return None
    if not kept or changed is None:
        return None
    paths = (*changed, *(path.removeprefix(f"{folder}/") for path in beside))
    return frozenset(_folder(path, models) for path in paths)


def _folder(path: str, models: Collection[str]) -> str:
    """The folder of the model that a file is of, be it one that is gone; else the first one on the way."""
    folder = owner_of(path, models)
    if folder in models or folder == conventions.FLEET_FOLDER:
        return folder
    above = path.rpartition("/")[0] if path.endswith(f"/{conventions.INVENTORY_FILE}") else ""
    return above or folder
