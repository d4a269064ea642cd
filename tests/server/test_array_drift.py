"""An image or a series that moved away from training is noticed by the numbers that are watched of it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest
from PIL import Image as PillowImage

from aimass_compiler import conventions
from aimass_compiler.engines.local import Local
from aimass_compiler.expression.algebra import Column
from aimass_compiler.expression.column_types import ColumnType, Image, NumberSeries
from aimass_compiler.runtime.reference import reference_of
from aimass_compiler.runtime.server.array_drift import numbers_of
from aimass_compiler.runtime.server.image_files import pixels
from server import packages
from server.serving import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

_RANDOM = numpy.random.default_rng(5)
_PICTURES = _RANDOM.uniform(0, 1, (2000, 1, 2, 2)).astype(numpy.float32)


def reference(arrays: numpy.ndarray, kind: ColumnType, absent: int = 0) -> dict[str, Any]:
    flat = polars.Series(arrays.reshape(len(arrays), -1), dtype=kind.dtype)
    column = polars.concat([flat, polars.Series([None] * absent, dtype=kind.dtype)])
    table = Local().table([polars.DataFrame({"it": column})])
    return dict(reference_of(table, [Column("it", kind)])["inputs"]["it"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = packages.digits(tmp_path_factory.mktemp("pictures") / "digits")
    path = folder / conventions.REFERENCE_FILE
    document = json.loads(path.read_text())
    document["inputs"] = {"picture": reference(_PICTURES, Image((1, 2, 2)))}
    path.write_text(json.dumps(document))
    with serving(packages.listed(folder), "--drift-method", "ks") as running:
        yield running


def test_darker_pictures_are_told_from_those_of_training(server: Server) -> None:
    def ask(pictures: numpy.ndarray) -> tuple[float, float]:
        for some in numpy.split(pictures, 4):
            server.predict(*({"picture": picture} for picture in some.tolist()))
        found = [server.metric("aimass_drift_ks", feature=f"picture ({name})") for name in _WATCHED]
        return found[0], found[1]

    assert all(0 < distance < 0.1 for distance in ask(_PICTURES[:400]))
    brightness, contrast = ask(_PICTURES[:400] / 2)
    assert brightness > 0.2
    assert contrast > 0.2
    assert "aimass_drift_psi" not in server.get("/metrics").body.decode()


_WATCHED = ("brightness", "contrast")


def test_smaller_images_that_are_enlarged_are_less_sharp() -> None:
    drawn = _RANDOM.integers(0, 256, (20, 64, 64, 3), dtype=numpy.uint8)

    def sharpness(side: int) -> numpy.ndarray:
        """Of the same images, kept in files of so many rows and columns."""
        files = []
        for each in drawn:
            file = io.BytesIO()
            PillowImage.fromarray(each).resize((side, side), PillowImage.Resampling.BOX).save(file, "PNG")
            files.append(pixels(file.getvalue(), (3, 64, 64)))
        return numbers_of("image", (3, 64, 64))[" (sharpness)"](numpy.stack(files))

    assert (sharpness(16) < 0.5 * sharpness(64)).all()
    one = numpy.full((1, 1, 1, 1), 0.5, numpy.float32)
    assert numbers_of("image", (1, 1, 1))[" (sharpness)"](one) == [0.0]


def test_the_reference_is_of_all_blocks_and_knows_what_is_missing() -> None:
    found = reference(_PICTURES, Image((1, 2, 2)), absent=500)
    assert found["missing"] == pytest.approx(0.2)
    median = found["numbers"][" (brightness)"]["edges"][4]
    assert median == pytest.approx(numpy.median(_PICTURES.mean(axis=(1, 2, 3))), abs=1e-3)


def test_a_series_has_as_many_steps_as_are_there_and_a_mean_for_each_channel() -> None:
    series = numpy.array([[[1, 10], [3, 30]], [[5, 50], [numpy.nan] * 2], [[numpy.nan] * 2] * 2])
    numbers = {
        ending: measured(series.astype(numpy.float32))
        for ending, measured in numbers_of("series", (2, 2)).items()
    }
    expected = {
        " (steps)": [2, 1, numpy.nan],
        " (mean of channel 0)": [2, 5, numpy.nan],
        " (mean of channel 1)": [20, 50, numpy.nan],
    }
    for ending, values in expected.items():
        numpy.testing.assert_allclose(numbers.pop(ending), values)
    assert numbers == {}
    assert list(numbers_of("series", (3, 1))) == [" (steps)", " (mean)"]
    assert set(reference(series[:2].astype(numpy.float32), NumberSeries((2, 2)))["numbers"]) == set(expected)
