"""A registry of images for tests: a real one, which Go builds in half a minute, open or with a password."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.cluster import programs
from scripts.cluster.image_registry import Registry, running

USER, PASSWORD = "growth", "secret"
#: What `htpasswd -B` makes of the password.
_HTPASSWD = f"{USER}:$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n"


def htpasswd(folder: Path) -> dict[str, Any]:
    """The setting by which a registry asks for USER and PASSWORD."""
    (folder / "htpasswd").write_text(_HTPASSWD)
    return {"htpasswd": {"realm": "registry", "path": str(folder / "htpasswd")}}


def need() -> None:
    """Skip where the registry cannot be had; in CI, where nothing is skipped unnoticed, fail."""
    try:
        programs.program("registry")
    except (programs.ProgramMissing, programs.BuildFailed) as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.fixture
def image_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry of the test's own, which lets everyone in."""
    need()
    with running(tmp_path_factory.mktemp("registry")) as registry:
        yield registry
