"""Experiments of DVC: runs that are kept under a name beside the branches, as commits below refs/exps.

Source: dvc/repo/experiments/refs.py, of `refs/exps/BASELINE[:2]/BASELINE[2:]/NAME`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.programs import dvc, git

_REF = re.compile(r"refs/exps/(?P<begin>[0-9a-f]{2})/(?P<rest>[0-9a-f]{38,62})/(?P<name>[^/]+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_BETWEEN = "%00"


class Experiment(Struct, frozen=True):
    """A run that DVC keeps under a name."""

    name: str
    commit: str
    baseline: str
    """The commit that it was tried on."""
    at: str
    """When it was kept, in ISO 8601."""
    message: str
    """The first line of what is said of it."""


def is_name(text: str) -> bool:
    """Whether DVC and git take this for the name of an experiment."""
    return bool(_NAME.fullmatch(text)) and ".." not in text and not text.endswith((".", ".lock"))


def experiments(root: Path) -> list[Experiment]:
    """All that this repository has, the oldest first. Raises GitError."""
    form = _BETWEEN.join(("%(refname)", "%(objectname)", "%(committerdate:iso-strict)", "%(subject)"))
    listed = git.answer(["for-each-ref", "--sort=committerdate", f"--format={form}", "refs/exps"], root)
    found = []
    for line in listed.decode(errors="replace").splitlines():
        ref, commit, at, message = line.split("\0", 3)
        if known := _REF.fullmatch(ref):
            found.append(Experiment(known["name"], commit, known["begin"] + known["rest"], at, message))
    return found


def save(root: Path, name: str, model: str, stages: Sequence[str], message: str) -> None:
    """Keep what was run here as an experiment on HEAD: what git tracks, and the spec and files of the model.

    `stages` are those that left all they should. Raises DvcFailed.
    """
    folder = f"{conventions.GENERATED_FOLDER}/{model}"
    added = [conventions.SPECS_FOLDER, folder]
    git.answer(["add", "--", *added], root)
    targets = [f"{folder}/{conventions.DVC_FILE}:{stage}" for stage in stages]
    dvc.save_experiment(root, name, message, targets)


def remove(root: Path, found: Sequence[Experiment]) -> None:
    """Forget experiments; what DVC's cache holds of them stays until `dvc gc`. Raises GitError."""
    for each in found:
        ref = f"refs/exps/{each.baseline[:2]}/{each.baseline[2:]}/{each.name}"
        git.answer(["update-ref", "-d", ref, each.commit], root)
