"""What holds for all tests: examples take what they need, programs are found, and caches are left alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from aimass_compiler.conventions import VARIABLE_CACHE
from scripts.cluster import programs
from tests.examples import QUICK

if TYPE_CHECKING:
    from collections.abc import Iterator

# Before any test is read, as many ask for a program to be there.
os.environ["PATH"] = programs.path()

pytest_plugins = ("tests.night_table", "tests.not_run")

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
settings.register_profile(QUICK, settings.get_profile("any machine"), max_examples=10)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the compiler remembers of projects lies in a folder that ends with the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE_CACHE, str(tmp_path_factory.mktemp("cache")))
        yield
