"""The package with which the build of the server's image serves once."""

from __future__ import annotations

from pathlib import Path

from aimass_compiler.runtime import server
from server.packages import price


def test_the_example_is_the_package_price(tmp_path: Path) -> None:
    example = Path(server.__path__[0]) / "example"
    made = price(tmp_path / "price")
    assert {path.name: path.read_bytes() for path in made.iterdir()} == {
        path.name: path.read_bytes() for path in example.iterdir()
    }
