"""A column that names image files beside the table is proposed as the images themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import pytest
from PIL import Image

from tests.starter.projects import compiled, data_of, prepared, proposed

if TYPE_CHECKING:
    from pathlib import Path


def write_images(folder: Path, mode: str = "RGB") -> list[str]:
    """So many small images, by their paths below the folder."""
    names = [f"{n % 3}/{n}.{'png' if n % 2 else 'JPG'}" for n in range(60)]
    for n, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = numpy.full((90, 40), 4 * n, dtype=numpy.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / name)
    return names


def table(header: str, names: list[str]) -> str:
    rows = (f"{name},{n % 7},{'ill' if n % 3 else 'well'}\n" for n, name in enumerate(names))
    return f"{header}\n" + "".join(rows)


@pytest.mark.parametrize(
    ("file", "header", "below", "source"),
    [
        ("data/x.csv", "file,age,label", "", {"path": "data/scans", "label": "folder"}),
        ("data/x.csv", "image,age,state", "", {"path": "data/scans", "image": "pixels", "file": "image"}),
        ("data/x.csv", "scan,age,state", "scans/", {"path": "data", "file": "scan"}),
        ("x.csv", "file,age,state", "", "scans"),
    ],
)
def test_files_that_a_column_names_are_read(
    tmp_path: Path, file: str, header: str, below: str, source: Any
) -> None:
    names = write_images((tmp_path / file).parent / "scans")
    named, _, target = header.split(",")
    text = proposed(tmp_path, file, table(header, [below + name for name in names]), target)
    spec = data_of(text)
    assert spec["data"]["sources"]["images"] == {"image_folder": source}
    assert spec["data"]["join"] == [{"left": "x", "right": "images", "on": named}]
    image = "pixels" if named == "image" else "image"
    assert spec["data"]["columns"][image] == {"type": "image", "shape": [3, 64, 40]}
    assert spec["data"]["columns"][named] == "id"
    assert spec["model"]["cnn"]
    prepared(compiled(text), tmp_path)


def test_images_in_grey_have_one_channel(tmp_path: Path) -> None:
    names = write_images(tmp_path / "data/scans", "L")
    spec = data_of(proposed(tmp_path, "data/x.csv", table("file,age,state", names)))
    assert spec["data"]["columns"]["image"]["shape"] == [1, 64, 40]


@pytest.mark.parametrize(
    "change", [lambda name: f"../{name}", lambda name: f"{name}.txt", lambda name: f"no{name}"]
)
def test_what_names_no_file_is_no_image(tmp_path: Path, change: Any) -> None:
    names = write_images(tmp_path / "data/scans")
    spec = data_of(
        proposed(tmp_path, "data/x.csv", table("file,age,state", [change(name) for name in names]))
    )
    assert [*spec["data"]["sources"]] == ["x"]
