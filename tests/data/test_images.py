"""Image files are decoded to the same numbers in training and in serving."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aimass_compiler.catalog.task import Task
from aimass_compiler.engines import block_size
from aimass_compiler.runtime.server import image_files
from aimass_compiler.runtime.server.image_files import pixels, pixels_of_base64
from aimass_compiler.runtime.server.model_signature import Signature, read_signature
from aimass_compiler.runtime.server.response import RequestError
from aimass_compiler.runtime.server.rows import RowReader
from aimass_compiler.runtime.server.tensors import TensorReader
from tests.data.projects import prepared, refused, report
from tests.examples import at_most

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (3, 4, 5)
TASK = Task(kind="classification", target="label", classes=("cat", "dog"))
MODES = ("L", "RGB", "RGBA", "P", "1", "I;16", "LA", "CMYK")
FORMATS = {"PNG": MODES[:-1], "JPEG": ("L", "RGB", "CMYK")}


def encoded(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, format_, **options)
    return written.getvalue()


def noise(mode: str = "RGB", size: tuple[int, int] = (9, 7), seed: int = 0) -> Image.Image:
    values = numpy.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=numpy.uint8)
    image = Image.fromarray(values)
    if mode == "I;16":
        return Image.fromarray(values[:, :, 0].astype(numpy.uint16) * 257)
    return image.convert(mode)


def write(root: Path, count: int = 6) -> dict[str, bytes]:
    """A folder for each class, with files of both formats; by their path below the folder."""
    files = {}
    for place in range(count):
        for label in TASK.classes:
            format_ = ("PNG", "JPEG")[place % 2]
            suffix = {"PNG": "png", "JPEG": "JPG"}[format_]
            name = f"{label}/{place}.{suffix}"
            files[name] = encoded(noise(seed=place * 2 + (label == "dog")), format_)
            (root / "photos" / label).mkdir(parents=True, exist_ok=True)
            (root / "photos" / name).write_bytes(files[name])
    (root / "photos/cat/notes.txt").write_text("no image")
    return files


def data(**more: Any) -> dict[str, Any]:
    columns = {
        "file": "id",
        "image": {"type": "image", "shape": list(SHAPE)},
        "label": {"type": "category", "values": list(TASK.classes)},
    }
    return {"sources": {"photos": {"image_folder": "photos"}}, "columns": columns, **more}


def signature(written: str = "file") -> Signature:
    image = {"name": "image", "type": "image", "tensor": "image", "shape": list(SHAPE), "nullable": False}
    return read_signature(
        {
            "model": "m",
            "version": "0123456789ab",
            "trained_at": "2026-01-01T00:00:00Z",
            "task": "regression",
            "inputs": [image | {"written": written}],
            "ignored": [],
            "outputs": [{"name": "prediction", "datatype": "FP64", "shape": [-1]}],
            "example": {},
        }
    )


@pytest.mark.parametrize("is_in_blocks", [False, True])
def test_the_server_reads_the_numbers_that_training_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_in_blocks: bool
) -> None:
    files = write(tmp_path)
    if is_in_blocks:
        monkeypatch.setattr(block_size, "BLOCK_BYTES", 1)
        monkeypatch.setattr(block_size, "LEAST_ROWS", 5)
    rows = polars.concat(prepared(tmp_path, data(), TASK).values())
    assert sorted(rows["file"]) == sorted(files)
    assert all(name.startswith(label) for name, label in rows.select("file", "label").rows())
    texts = [base64.b64encode(files[name]).decode() for name in rows["file"]]
    trained = rows["image"].to_numpy().reshape(-1, *SHAPE)
    served = RowReader(signature(), 10**6).tensors([{"image": text} for text in texts])["image"]
    assert (served == trained).all()
    tensor = {"name": "image", "shape": [len(texts), 1], "datatype": "BYTES", "data": texts}
    assert (TensorReader(signature(), 10**6).tensors([tensor], memoryview(b""))["image"] == trained).all()
    assert report(tmp_path)["written"]["image"] == "file"


def test_a_table_that_names_files_is_joined_to_them(tmp_path: Path) -> None:
    files = write(tmp_path)
    (tmp_path / "labels.csv").write_text(
        "file,weight\n" + "".join(f"{name},{n}\n" for n, name in enumerate(files))
    )
    spec = data(join=[{"left": "labels", "right": "photos", "on": "file"}])
    spec["sources"]["labels"] = "labels.csv"
    spec["columns"]["weight"] = "number"
    rows = polars.concat(prepared(tmp_path, spec, TASK).values()).sort("weight")
    assert rows["file"].to_list() == list(files)
    assert (rows["image"].to_numpy()[0] == pixels(files["cat/0.png"], SHAPE).ravel()).all()


def test_images_in_a_column_are_decoded_like_files(tmp_path: Path) -> None:
    contents = [encoded(noise(seed=seed)) for seed in range(12)]
    for name, values in {"binary": contents, "struct": [{"bytes": content} for content in contents]}.items():
        table = {"file": list("abcdefghijkl"), "image": values, "label": ["cat", "dog"] * 6}
        polars.DataFrame(table).write_parquet(tmp_path / f"{name}.parquet")
        spec = data(sources={"photos": f"{name}.parquet"})
        rows = polars.concat(prepared(tmp_path, spec, TASK).values()).sort("file")
        assert (rows["image"].to_numpy()[1] == pixels(contents[1], SHAPE).ravel()).all()


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "photos/dog/odd.png").write_text("no image")
    assert "holds 1 value that is not a PNG or JPEG file that can be decoded" in refused(
        tmp_path, data(), TASK
    )
    assert "(photos/dog/odd.png)" in refused(tmp_path, data(), TASK)


def test_a_folder_without_images_is_told(tmp_path: Path) -> None:
    assert "there is no image below photos" in refused(tmp_path, data(), TASK)


@pytest.mark.parametrize(
    ("format_", "mode"), [(name, mode) for name, modes in FORMATS.items() for mode in modes]
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_kind_of_file_has_values_from_0_to_1(format_: str, mode: str, channels: int) -> None:
    found = pixels(encoded(noise(mode), format_), (channels, 4, 5))
    assert found.shape == (channels, 4, 5)
    assert found.dtype == numpy.float32
    assert 0 <= found.min() < found.max() <= 1


@pytest.mark.parametrize("mode", ["L", "I;16"])
def test_greys_of_any_depth_are_shares_of_white(mode: str) -> None:
    values = numpy.array([[0, 51, 102], [153, 204, 255]], numpy.uint8)
    image = Image.fromarray(values if mode == "L" else values.astype(numpy.uint16) * 257)
    assert pixels(encoded(image), (1, 2, 3)) == pytest.approx(values[None] / 255)


def test_an_image_is_turned_as_its_camera_was() -> None:
    image = Image.fromarray(numpy.array([[0, 255]], numpy.uint8))
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by 90 degrees, clockwise
    assert pixels(encoded(image, exif=turned), (1, 2, 1)).ravel() == pytest.approx([0, 1])


def test_channels_rows_and_columns_are_in_this_order() -> None:
    values = numpy.random.default_rng(1).integers(0, 256, (4, 5, 3), dtype=numpy.uint8)
    found = pixels(encoded(Image.fromarray(values)), (3, 4, 5))
    assert (found == (values / 255).astype(numpy.float32).transpose(2, 0, 1)).all()


def test_a_small_file_of_a_huge_image_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "MOST_PIXELS", 100)
    with pytest.raises(ValueError, match="at most 100 pixels, not 11 x 10"):
        pixels(encoded(noise(size=(11, 10))), SHAPE)


@at_most(60)
@given(st.binary(max_size=40), st.integers(0, 400), st.sampled_from(["PNG", "JPEG"]))
def test_no_content_does_more_than_being_refused(scrap: bytes, place: int, format_: str) -> None:
    whole = encoded(noise(), format_)
    for content in (scrap, whole[:place], whole[:place] + scrap + whole[place + len(scrap) :]):
        try:
            found = pixels(content, SHAPE)
        except ValueError as refusal:
            assert "PNG or JPEG" in str(refusal) or "pixels" in str(refusal)  # noqa: PT017  # either is fine
        else:
            assert found.shape == SHAPE


def test_base64_is_read_with_and_without_its_type() -> None:
    text = base64.b64encode(encoded(noise())).decode()
    assert (pixels_of_base64(f"data:image/png;base64,{text}", SHAPE) == pixels_of_base64(text, SHAPE)).all()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("A%A", "must be a PNG or JPEG file in base64, or its pixels"),
        ("AAAA", "must be a PNG or JPEG file that can be decoded, or its pixels"),
        (7, "must have the shape [3, 4, 5], not []"),
    ],
)
def test_a_caller_is_told_what_an_image_is(value: Any, said: str) -> None:
    with pytest.raises(RequestError) as refusal:
        RowReader(signature(), 10**6).tensors([{"image": value}])
    assert said in refusal.value.message


def test_a_model_of_lists_takes_no_files() -> None:
    """Its numbers are in a range of their own, which no file knows."""
    text = base64.b64encode(encoded(noise())).decode()
    with pytest.raises(RequestError, match="numbers"):
        RowReader(signature(written=""), 10**6).tensors([{"image": text}])
