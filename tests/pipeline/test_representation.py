"""A network tells rows that it does not know where no number of a column has moved."""

from __future__ import annotations

import json

import numpy
import polars
import pytest
from server.serving import serving
from sklearn.datasets import load_digits

from aimass_compiler.cli import main
from aimass_compiler.runtime.__main__ import run_stage
from aimass_compiler.runtime.workspace import Workspace
from aimass_compiler.stages import SCORE, STAGES, artifacts

SPEC = """\
apiVersion: aimass/v1
kind: Model
metadata: {name: digits}
data:
  sources: {scans: data/digits.parquet}
  columns:
    image: {type: image, shape: [1, 8, 8]}
    digit: {type: category, values: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]}
  split: {by: random, stratify: digit, train: 0.5, validation: 0.1, test: 0.4}
target: digit
features: [standardize: image]
model: {cnn: {channels: [16], dropout: 0.0}}
training: {epochs: 4, batch_size: 32, optimizer: {adam: {learning_rate: 0.005}}, seed: 7}
monitoring: {drift: {representation: true}}
scoring: {source: data/turned.parquet, into: data/scores}
"""
ASKED = ("prepare", "features", "train", "evaluate", "package")
NUMBERS = {"image (brightness)", "image (contrast)", "image (sharpness)"}
DISTANCE = "representation (distance)"


def table(images: numpy.ndarray) -> polars.DataFrame:
    return polars.DataFrame({"image": polars.Series(images.reshape(-1, 64), dtype=polars.Array(float, 64))})


def turned(images: numpy.ndarray) -> numpy.ndarray:
    """Rows and columns changed places: no number of the pixels is another one."""
    return images.transpose(0, 2, 1)


@pytest.fixture(scope="module")
def unseen() -> numpy.ndarray:
    return numpy.asarray(load_digits().images[::4])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, unseen: numpy.ndarray) -> Workspace:
    root = tmp_path_factory.mktemp("representation")
    for folder in ("data", "specs"):
        (root / folder).mkdir()
    (root / "specs/digits.yaml").write_text(SPEC, encoding="utf-8")
    found = load_digits()
    known = numpy.arange(len(found.images)) % 4 > 0
    digits = polars.Series("digit", found.target[known].astype(str))
    table(found.images[known]).with_columns(digits).write_parquet(root / "data/digits.parquet")
    table(turned(unseen)).write_parquet(root / "data/turned.parquet")
    assert main(["compile", "--root", str(root)]) == 0
    workspace = Workspace(root, "digits")
    for stage in (*STAGES, SCORE):
        if stage.name in (*ASKED, SCORE.name):
            run_stage(stage, workspace)
    return workspace


def test_turned_digits_move_the_distance_and_no_number_of_the_images(
    made: Workspace, unseen: numpy.ndarray
) -> None:
    def drift(images: numpy.ndarray) -> dict[str, float]:
        with serving(made.folder(artifacts.PACKAGE)) as server:
            reply = server.predict(*({"image": [image]} for image in images.tolist()))
            assert reply.status == 200
            assert b"representation" not in reply.body
            return {
                name: server.metric("aimass_drift_psi", feature=name) for name in (*sorted(NUMBERS), DISTANCE)
            }

    usual, moved = drift(unseen), drift(turned(unseen))
    assert all(distance < 0.15 for distance in usual.values())
    assert moved[DISTANCE] > 0.5
    assert all(moved[name] == pytest.approx(usual[name], abs=0.02) for name in NUMBERS)


def test_scores_of_a_table_tell_the_same(made: Workspace) -> None:
    report = json.loads(made.path(artifacts.SCORES).read_text(encoding="utf-8"))
    assert report["drift"][DISTANCE] > 0.5
    assert max(report["drift"][name] for name in NUMBERS) < 0.15
    assert report["rows"]["scored"] == 450


def test_packaging_runs_again_when_the_training_rows_change(made: Workspace) -> None:
    written = (made.root / "generated/digits/dvc.yaml").read_text(encoding="utf-8")
    package = written[written.index("  package:") : written.index("  test:")]
    assert artifacts.rows("train") in package
