"""Compile one declarative model spec into DVC stages, Ray Tune jobs and Kustomize manifests.

`open_project` opens a project for programs and notebooks; see docs/python.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.version import __version__

if TYPE_CHECKING:
    from aimass_compiler.cli.api import ModelProject, ModelResults, open_project

__all__ = ["ModelProject", "ModelResults", "__version__", "open_project"]


def __getattr__(name: str) -> Any:
    """What `from aimass_compiler import …` finds, read once it is asked for: commands start without it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # so that what imports the version does not import all of it

    return getattr(import_module("aimass_compiler.cli.api"), name)
