"""What holds for all tests: examples may take their time, and the user's own cache is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from aimass_compiler.conventions import VARIABLE_CACHE

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the compiler remembers of projects lies in a folder that ends with the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE_CACHE, str(tmp_path_factory.mktemp("cache")))
        yield
