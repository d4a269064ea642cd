"""What the spec compiles to before any edit, compiled once."""

from __future__ import annotations

import pytest

from impact.specs import BEFORE, SETTINGS, SETTINGS_FILE, compiled


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """All that is generated of the spec."""
    _, files = compiled(tmp_path_factory.mktemp("before"), BEFORE)
    return files


@pytest.fixture(scope="session")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The same where images have a registry."""
    settings = f"images: {{registry: ghcr.io/acme}}\n{SETTINGS}"
    _, files = compiled(tmp_path_factory.mktemp("pushed"), {**BEFORE, SETTINGS_FILE: settings})
    return files
