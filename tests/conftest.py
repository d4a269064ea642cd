"""What holds for all tests: examples take what they need, programs are found, and caches are left alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from aimass_compiler.conventions import VARIABLE_CACHE
from scripts.cluster import programs
from tests.examples import DAY, NIGHT, PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator

# Before any test is read, as many ask for a program to be there.
os.environ["PATH"] = programs.path()
# Else each process that a test starts would compile the compiler anew, which takes longer than what it does.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

pytest_plugins = (
    "tests.harness.browser",
    "tests.harness.controllers_took",
    "tests.harness.image_registry",
    "tests.harness.night_table",
    "tests.harness.not_run",
)

for profile, share in PROFILES.items():
    settings.register_profile(
        profile,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        max_examples=100 // share,
        # A change is judged by the same examples each time; new ones are looked for at night.
        derandomize=profile != NIGHT,
    )
settings.load_profile(DAY)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the compiler remembers of projects lies in a folder that ends with the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE_CACHE, str(tmp_path_factory.mktemp("cache")))
        yield
