"""Rows that a Ray cluster reads and computes teach and write what rows here do, to the last bit."""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy
import polars
import pytest
from pydantic import TypeAdapter

from aimass_compiler import conventions
from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.transform import Transform
from aimass_compiler.engines import block_size, local, ray
from aimass_compiler.pipeline.data import Data
from aimass_compiler.runtime.data_engine import data_engine
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.stages import features, prepare
from aimass_compiler.runtime.training import ray_session
from aimass_compiler.runtime.workspace import Workspace
from tests.data.projects import NUMBER_TASK, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
TRANSFORMS: TypeAdapter[tuple[Transform, ...]] = TypeAdapter(
    tuple[Annotated[Transform, OneOf("transforms")], ...]
)
DATA = {
    "sources": {"rows": "rows.parquet", "prices": "prices.parquet", "readings": "readings.parquet"},
    "join": [
        {"left": "rows", "right": "prices", "on": ["plan"]},
        {
            "left": "rows",
            "right": "readings",
            "on": "id",
            "order_by": "step",
            "aggregate": {"load": {"function": "series", "columns": ["heat"]}},
        },
    ],
    "columns": {
        "id": "id",
        "plan": {"type": "category", "missing": 1},
        "price": {"type": "number", "missing": 1},
        "x": {"type": "number", "missing": 1},
        "note": {"type": "text", "missing": 1},
        "load": {"type": "series", "length": 3, "missing": 1},
        "y": "number",
    },
    "clean": [{"keep": "y < 3"}, {"drop_duplicates": ["id"]}],
    "split": {"by": "hash", "key": "id", "train": 0.6, "validation": 0.2, "test": 0.2},
}
FEATURES = [
    {"impute": {"columns": ["x", "price"], "with": "median"}},
    {"standardize": ["price"]},
    {"drop": "load"},
    {"bucket": {"column": "x", "count": 4}},
    {"one_hot": "plan"},
    {"hash_text": {"column": "note", "size": 16}},
]


def write(root: Path, count: int = 600) -> None:
    chance = numpy.random.default_rng(0)
    polars.DataFrame(
        {
            "id": [f"r{number % 590}" for number in range(count)],
            "plan": chance.choice(["a", "b", "c"], count),
            "x": [None if number % 7 == 0 else float(number) for number in range(count)],
            "note": chance.choice(["one two", "two", "three one", ""], count),
            "y": chance.normal(size=count),
        }
    ).write_parquet(root / "rows.parquet")
    polars.DataFrame({"plan": ["a", "b"], "price": [1.0, 2.0]}).write_parquet(root / "prices.parquet")
    polars.DataFrame(
        {
            "id": [f"r{number % 590}" for number in range(2 * count)],
            "step": chance.permutation(2 * count),
            "heat": chance.normal(size=2 * count),
        }
    ).write_parquet(root / "readings.parquet")


def written(root: Path) -> dict[str, bytes]:
    """All that the stages prepare and features leave, by its place in the project."""
    workspace = Workspace(root, "m")
    data = Data.model_validate(DATA)
    prepare.run(data, NUMBER_TASK, workspace=workspace)
    features.run(data.columns, NUMBER_TASK, TRANSFORMS.validate_python(FEATURES), workspace=workspace)
    paths = sorted(path for path in (root / "artifacts").rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


@pytest.fixture
def in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_size, "BLOCK_BYTES", 1)
    monkeypatch.setattr(block_size, "LEAST_ROWS", 50)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Workers of which nothing runs but what they are sent; answers how many blocks they were asked for."""
    cloudpickle = pytest.importorskip("ray.cloudpickle")
    asked = []

    def travelled(value: Any) -> Any:
        return cloudpickle.loads(cloudpickle.dumps(value))

    def found(task: ray.BlockTask) -> Iterator[Any]:
        numbers = range(len(task.bounds))
        asked.extend(numbers)
        own = travelled(task)
        results = {number: travelled(own(number)) for number in reversed(numbers)}
        for number in numbers:
            is_found, result = results[number]
            if not is_found:
                raise result
            yield result

    monkeypatch.setattr(ray, "found_by_workers", found)
    monkeypatch.setattr(ray_session, "ray_session", lambda *_: nullcontext())
    return asked


@pytest.mark.usefixtures("in_blocks")
def test_the_stages_write_the_same_bytes(
    tmp_path: Path, by_hand: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in conventions.ENGINES:
        (tmp_path / name).mkdir()
        write(tmp_path / name)
    here = written(tmp_path / "local")
    assert by_hand == []
    monkeypatch.setenv(conventions.ENGINE_VARIABLE, "ray")
    assert written(tmp_path / "ray") == here
    assert len(by_hand) > 50, "or the workers had nothing to do"


@pytest.mark.usefixtures("in_blocks", "by_hand")
def test_what_breaks_the_contract_is_told_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    strict = {**DATA, "columns": {**DATA["columns"], "x": {"type": "number", "missing": 1, "max": 100}}}  # type: ignore[dict-item]  # a mapping
    here = refused(tmp_path, strict)
    monkeypatch.setenv(conventions.ENGINE_VARIABLE, "ray")
    assert refused(tmp_path, strict) == here


@pytest.mark.usefixtures("in_blocks", "by_hand")
def test_what_a_worker_raises_is_raised(tmp_path: Path) -> None:
    write(tmp_path)

    def failing(block: polars.DataFrame) -> int:
        raise LookupError(f"{block.height} rows")

    with pytest.raises(LookupError, match="50 rows"):
        list(ray.OnRay(tmp_path).scan(tmp_path / "rows.parquet").each(failing))


def test_a_file_does_not_tell_how_its_rows_lay_in_memory(tmp_path: Path) -> None:
    ids = polars.DataFrame({"id": [str(number) for number in range(200_000)]})
    # Where the dictionary of a column gets too large is looked at after so many rows of a chunk.
    for name, pieces in (("whole", [ids]), ("pieces", [ids.head(104_000), ids.tail(96_000)])):
        with local.Writer(tmp_path / name) as writer:
            for _ in range(2):
                writer.write(polars.concat(pieces, rechunk=False))
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "pieces").read_bytes()


def test_an_engine_that_there_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(conventions.ENGINE_VARIABLE, "spark")
    with pytest.raises(StageFailure, match="must be `local` or `ray`, not `spark`"), data_engine(tmp_path):
        pytest.fail("nothing moves rows")


@pytest.mark.nightly
@pytest.mark.usefixtures("in_blocks")
def test_a_cluster_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in conventions.ENGINES:
        (tmp_path / name).mkdir()
        write(tmp_path / name)
    here = written(tmp_path / "local")
    monkeypatch.setenv(conventions.ENGINE_VARIABLE, "ray")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert written(tmp_path / "ray") == here


@pytest.mark.nightly
@pytest.mark.usefixtures("in_blocks")
def test_the_block_of_a_worker_that_is_killed_is_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    died = tmp_path / "died"

    def heights(block: polars.DataFrame) -> tuple[int, int]:
        """The rows of a block and who counted them; the first worker that is asked dies."""
        if not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return block.height, os.getpid()

    monkeypatch.setenv(conventions.ENGINE_VARIABLE, "ray")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    with data_engine(tmp_path) as engine:
        found = list(engine.scan(tmp_path / "rows.parquet").each(heights))
    assert [height for height, _ in found] == [50] * 12
    assert os.getpid() not in {who for _, who in found}
    assert died.exists()
