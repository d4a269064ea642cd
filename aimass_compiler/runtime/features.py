"""The second stage: learn the transforms on the training split and compute every split's features."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime
import polars

from aimass_compiler import artifacts, conventions
from aimass_compiler.catalog.fitting import features as features_of
from aimass_compiler.catalog.fitting import fit
from aimass_compiler.catalog.transform import Transform
from aimass_compiler.expression import onnx_lowering, polars_lowering
from aimass_compiler.expression.algebra import Column as ColumnExpression
from aimass_compiler.expression.algebra import Expression, columns_of
from aimass_compiler.expression.onnx_graph import Inputs
from aimass_compiler.expression.statistics import MutualInformation, Statistic, Variances, learn
from aimass_compiler.pipeline.columns import Column, feature_types
from aimass_compiler.runtime.capacity import available_memory, shown_bytes
from aimass_compiler.runtime.examples import write_matrix, write_target
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.precision import merged
from aimass_compiler.runtime.reference import reference_of
from aimass_compiler.runtime.tensors import pack
from aimass_compiler.runtime.workspace import Workspace, replacing, write_json
from aimass_compiler.task import Task

if TYPE_CHECKING:
    from pathlib import Path

    import onnx
    from numpy.typing import NDArray

_VERIFIED_ROWS = 1000
_FLOAT_BYTES = 4
#: What of a matrix is computed at once; polars and the copies on the way take some times as much.
_BLOCK_BYTES = 64 * 2**20
_LEAST_ROWS = 1024
#: What is learnt of all rows of a vector at once: float32 from polars, float64 and a copy to compute with.
_WHOLE = (Variances, MutualInformation)
_BYTES_TO_COMPARE = 4 + 8 + 8


def run(
    columns: Mapping[str, Column], task: Task, features: Sequence[Transform], *, workspace: Workspace
) -> None:
    """Write the float32 matrices, the graph that serving uses and the reference for drift."""
    rows = {name: polars.read_parquet(workspace.path(artifacts.rows(name))) for name in conventions.SPLITS}
    read = [ColumnExpression(name, kind) for name, kind in feature_types(columns, task.target).items()]
    train = rows["train"]

    def learner(statistics: Mapping[str, Statistic]) -> Mapping[str, Any]:
        _require_memory(statistics, train.height)
        return learn(train.lazy(), statistics, task)

    fitted = fit(features, {column.name: column for column in read}, learner)
    result = features_of(fitted)
    used = {column.name for column in columns_of(result)}
    inputs = [column for column in read if column.name in used]
    _require_features(result, inputs)
    folder = workspace.folder("features")
    graph = onnx_lowering.lower(result, Inputs.of(inputs))
    description = _description(result, inputs)
    shape = description["shape"]
    _require_space(folder, sum(part.height for part in rows.values()), shape)
    for name, part in rows.items():
        first = part.head(_VERIFIED_ROWS)
        _verify(graph, description["inputs"], first, _matrix(result, first))
        blocks = (_matrix(result, block) for block in _blocks(part, math.prod(shape)))
        write_matrix(folder, name, (part.height, *shape), blocks)
        write_target(folder, name, _target(task, part))
    with replacing(workspace.path(artifacts.FEATURES_GRAPH)) as temporary:
        temporary.write_bytes(graph.SerializeToString(deterministic=True))
    write_json(workspace.path(artifacts.FEATURES), description)
    write_json(workspace.path(artifacts.FEATURES_REFERENCE), reference_of(rows["train"], inputs))
    count = f"{len(inputs)} columns" if len(inputs) > 1 else "1 column"
    print(f"{count} became {_told(description)}; the serving graph gives the same values")
    for name in (column.name for column in inputs if rows["train"][column.name].is_null().all()):
        print(f"warning: `{name}` has no value in any of the {rows['train'].height:,} training rows")
        print(f"  help: look at its source, or leave it out with `drop: {name}`")
    for found in merged(result, rows["train"]):
        print(f"warning: {found}\n  help: {found.hint}")


def _require_features(result: Expression, inputs: Sequence[ColumnExpression]) -> None:
    """Raise StageFailure when the model would see nothing."""
    if not inputs or result.type.size == 0:
        raise StageFailure(
            ExitCode.DATA,
            "no column reaches the model: `features` leaves none, or none has a value in the training split",
            "look at `features` and at what is missing in " + artifacts.ROWS_REPORT,
        )


def _require_memory(statistics: Mapping[str, Statistic], rows: int) -> None:
    """Raise StageFailure before vectors are compared as a whole that memory cannot hold."""
    sizes = [statistic.of.type.size or 0 for statistic in statistics.values() if type(statistic) in _WHOLE]
    wanted, available = max(sizes, default=0) * rows * _BYTES_TO_COMPARE, available_memory()
    if available is not None and wanted > available:
        raise StageFailure(
            ExitCode.DATA,
            f"to choose of {max(sizes):,} features by {rows:,} rows, `select` takes {shown_bytes(wanted)}, "
            f"but {shown_bytes(available)} of memory are available",
            "make the largest `cross`, `hash_text` or `bag_of_words` smaller, or leave `select` out",
        )


def _require_space(folder: Path, rows: int, shape: Sequence[int]) -> None:
    """Raise StageFailure before anything is written that the disk cannot hold."""
    wanted, free = rows * math.prod(shape) * _FLOAT_BYTES, shutil.disk_usage(folder).free
    if wanted > free:
        raise StageFailure(
            ExitCode.DISK,
            f"{rows:,} rows of {math.prod(shape):,} features take {shown_bytes(wanted)}, "
            f"but {shown_bytes(free)} of disk are free",
            "make the largest `cross`, `hash_text` or `bag_of_words` smaller, or free some disk",
        )


def _blocks(rows: polars.DataFrame, width: int) -> Iterator[polars.DataFrame]:
    """Parts of the rows of moderate size; none is of one row, which engines compute otherwise."""
    size = max(_LEAST_ROWS, _BLOCK_BYTES // (_FLOAT_BYTES * width))
    starts = [start for start in range(0, rows.height, size) if start == 0 or rows.height - start > 1]
    for start, end in pairwise([*starts, rows.height]):
        yield rows.slice(start, end - start)


def _matrix(result: Expression, rows: polars.DataFrame) -> NDArray[numpy.float32]:
    lazy, (flat,) = polars_lowering.flattened(rows.lazy(), [result])
    values = lazy.select(polars_lowering.lower(flat).alias("x")).collect()["x"].to_numpy()
    matrix = numpy.ascontiguousarray(values, dtype=numpy.float32)
    return matrix.reshape(len(rows), *result.type.shape) if result.type.shape else matrix


def _target(task: Task, rows: polars.DataFrame) -> NDArray[Any]:
    target = rows.get_column(task.target)
    if not task.is_classification:
        return target.to_numpy().astype(numpy.float64)
    codes = target.replace_strict(
        list(task.classes), list(range(len(task.classes))), return_dtype=polars.Int64
    )
    return codes.to_numpy()


def _description(result: Expression, inputs: Sequence[ColumnExpression]) -> dict[str, Any]:
    is_image = result.type.name == "image"
    packed = Inputs.of(inputs)
    return {
        "names": list(result.labels),
        "shape": list(result.type.shape or (len(result.labels),)),
        "accepts": "image" if is_image else "table",
        "inputs": [_input(column, packed) for column in inputs],
    }


def _input(column: ColumnExpression, packed: Inputs) -> dict[str, Any]:
    kind = column.type.name
    if kind == "image":
        return {
            "name": column.name,
            "type": kind,
            "tensor": column.name,
            "shape": list(column.type.shape or ()),
        }
    names, tensor = packed.strings, conventions.STRINGS_TENSOR
    if kind == "number":
        names, tensor = packed.numbers, conventions.NUMBERS_TENSOR
    return {"name": column.name, "type": kind, "tensor": tensor, "index": names.index(column.name)}


def _verify(
    graph: onnx.ModelProto,
    inputs: list[dict[str, Any]],
    rows: polars.DataFrame,
    expected: NDArray[numpy.float32],
) -> None:
    """Training and serving must see the same values; if they do not, it is better to stop here."""
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    served = session.run(None, pack(rows, inputs))[0]
    if not numpy.allclose(served, expected, rtol=1e-6, atol=1e-6, equal_nan=True):
        apart = numpy.nanmax(numpy.abs(served - expected))
        raise StageFailure(
            ExitCode.FAILED,
            f"the features that serving would compute differ from those of training by {apart:.2g}",
            "this is a defect of a transform: please report it with the spec",
        )


def _told(description: Mapping[str, Any]) -> str:
    if description["accepts"] == "image":
        return "images of {} x {} x {}".format(*description["shape"])
    return f"{math.prod(description['shape'])} features"
