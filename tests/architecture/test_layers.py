"""docs/architecture.md shows the levels that the import contract holds."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_LEVELS = 8


def levels() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers: list[str] = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return layers


def test_the_page_has_the_line_of_the_contract() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert f"    {' > '.join(levels())}\n" in page


def test_the_levels_fit_in_one_line() -> None:
    assert len(levels()) <= MOST_LEVELS


def test_the_page_maps_every_room() -> None:
    package = ROOT / "aimass_compiler"
    rooms = {f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").is_file()}
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").splitlines()
    assert rooms - {line.split()[0] for line in page if line.strip()} == set()
