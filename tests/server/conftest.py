"""One server a package for all tests that leave it as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from server import packages
from server.serving import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def churn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves a classification of two numbers and two strings."""
    with serving(packages.churn(tmp_path_factory.mktemp("served") / "churn")) as server:
        yield server


@pytest.fixture(scope="module")
def price(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves a regression that adds three numbers up."""
    with serving(packages.price(tmp_path_factory.mktemp("served") / "price")) as server:
        yield server


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves a classification of pictures."""
    with serving(packages.digits(tmp_path_factory.mktemp("served") / "digits")) as server:
        yield server
