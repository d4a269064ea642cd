"""The pipelines of tests/render are built here for real, so they must be importable from here alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler.programs.kustomize import Kustomize

sys.path.insert(0, str(Path(__file__).parents[1]))
#: A PyYAML without libyaml has no fast one.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@pytest.fixture(scope="session")
def builder() -> Kustomize:
    """The program that builds; without one, what asks for it is skipped."""
    from manifests import kustomize

    found = kustomize()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where each pipeline's files are; nobody may change them."""
    from manifests import write
    from render.models import VARIED

    return {name: write(built, tmp_path_factory.mktemp(name)) for name, built in VARIED.items()}


@pytest.fixture(scope="session")
def objects(builder: Kustomize, written: dict[str, Path]) -> Callable[[str, str], list[dict[str, Any]]]:
    """Makes the objects of a folder of a pipeline; each folder is built once."""
    texts: dict[tuple[str, str], str] = {}

    def made(name: str, folder: str) -> list[dict[str, Any]]:
        if (name, folder) not in texts:
            texts[name, folder] = builder.text(written[name] / folder)
        return list(yaml.load_all(texts[name, folder], Loader=_Loader))

    return made
