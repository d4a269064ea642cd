"""One server of the tiny example for all tests that leave it as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from language_server.asking import TextServer, packaged, serving_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with which the image's build serves once; some hundred lessons made it answer."""
    return packaged(tmp_path_factory.mktemp("text") / "example")


@pytest.fixture(scope="session")
def text(example: Path) -> Iterator[TextServer]:
    """Serves it with the usual limits."""
    with serving_text(example) as server:
        yield server
