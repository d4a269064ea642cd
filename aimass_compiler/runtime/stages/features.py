"""The second stage: learn the transforms on the training split and compute every split's features."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import numpy
import onnxruntime
import polars

from aimass_compiler import conventions
from aimass_compiler.atomic_file import replacing
from aimass_compiler.catalog.artifacts._tensors import pack
from aimass_compiler.catalog.examples import Images, Sequences
from aimass_compiler.catalog.fit import features as features_of
from aimass_compiler.catalog.fit import fit
from aimass_compiler.catalog.project_code import CodeError
from aimass_compiler.catalog.quantities import shown_bytes
from aimass_compiler.catalog.task import Task
from aimass_compiler.catalog.transform import Transform
from aimass_compiler.engines.block_size import cut
from aimass_compiler.engines.prefetch import prefetched
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.expression import onnx_lowering
from aimass_compiler.expression.algebra import Column as ColumnExpression
from aimass_compiler.expression.algebra import Expression, columns_of
from aimass_compiler.expression.component_columns import made_of
from aimass_compiler.expression.folds import in_folds, in_training, learning
from aimass_compiler.expression.onnx_graph import Inputs
from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.expression.statistics import MutualInformation, Statistic, learn
from aimass_compiler.pipeline.columns import Column, feature_types, row_columns
from aimass_compiler.runtime.capacity import available_memory
from aimass_compiler.runtime.conversations import write_conversations
from aimass_compiler.runtime.data_engine import data_engine
from aimass_compiler.runtime.examples import write_matrix, write_target
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.feature_rows import FeatureRows
from aimass_compiler.runtime.precision import merged
from aimass_compiler.runtime.reference import reference_of, targets_of
from aimass_compiler.runtime.series_rows import SERIES_COLUMNS, read_series_rows
from aimass_compiler.runtime.workspace import Workspace, write_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from aimass_compiler.catalog.feature_matrix import Layout
    from aimass_compiler.catalog.forecast import SeriesRows
    from aimass_compiler.engines import Engine, Table

_VERIFIED_ROWS = 1000
#: What of a matrix is computed at once; polars and the copies on the way take some times as much.
_BLOCK_BYTES = 16 * 2**20
_LEAST_ROWS = 1024
#: What is learned of all rows of a vector at once: float32 from polars, float64 and a copy to compute with.
_WHOLE = (MutualInformation,)
_BYTES_TO_COMPARE = 4 + 8 + 8


def run(
    columns: Mapping[str, Column],
    task: Task,
    features: Sequence[Transform],
    *,
    workspace: Workspace,
    root: Path | None = None,
) -> None:
    """Write the float32 matrices, the graph that serving uses and the reference for drift.

    `root` is the project's, where the workspace is that of a fold.
    """
    if task.conversation is not None:
        write_conversations(columns, task, task.conversation, workspace, root or workspace.root)
        return
    features = _bound(features, root or workspace.root)
    with data_engine(workspace.folder("features")) as engine:
        _compute(columns, task, features, engine, workspace)


def _compute(
    columns: Mapping[str, Column],
    task: Task,
    features: Sequence[Transform],
    engine: Engine,
    workspace: Workspace,
) -> None:
    rows = {name: engine.scan(workspace.path(artifacts.rows(name))) for name in conventions.SPLITS}
    types = feature_types(row_columns(columns, task), task.columns)
    read = [ColumnExpression(name, kind) for name, kind in types.items()]
    train, is_cross_fitted = rows["train"], any(each.is_cross_fitted for each in features)
    result = _fitted(features, read, task, train)
    used = {column.name for column in columns_of(result)}
    inputs = [column for column in read if column.name in used]
    _require_features(result, inputs)
    folder = workspace.folder("features")
    graph = onnx_lowering.lower(result, Inputs.of(inputs))
    kept = FeatureRows(result)
    description = _description(result, inputs, kept.layout)
    _require_space(folder, sum(part.height for part in rows.values()), description["shape"], kept.row)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(reference_of, train, inputs)  # while matrices are computed and written
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        for name, part in rows.items():
            first = part.head(_VERIFIED_ROWS)
            _verify(session, description["inputs"], first, kept.features(kept.of(first)))
            matrices = _matrices(result, kept, part, is_cross_fitted=is_cross_fitted and part is train)
            write_matrix(folder, name, part.height, kept.row, matrices)
            write_target(folder, name, _target(task, part), _weights(task, part), _series(task, part))
    with replacing(workspace.path(artifacts.FEATURES_GRAPH)) as temporary:
        temporary.write_bytes(graph.SerializeToString(deterministic=True))
    write_json(workspace.path(artifacts.FEATURES), description)
    reference = found.result()
    write_json(workspace.path(artifacts.FEATURES_REFERENCE), reference | targets_of(train, task))
    print(f"{_told(description)}; the serving graph gives the same values")
    _warn(result, inputs, train, reference)


def _fitted(
    features: Sequence[Transform], read: Sequence[ColumnExpression], task: Task, train: Table
) -> Expression:
    """The features, with what the transforms learn of the training rows. Raises StageFailure."""
    is_cross_fitted = any(transform.is_cross_fitted for transform in features)
    learned = in_folds(train) if is_cross_fitted else train

    def learner(statistics: Mapping[str, Statistic]) -> Mapping[str, Any]:
        _require_memory(statistics, train.height)
        own = {name: learning(statistic) for name, statistic in statistics.items()}
        return learn(learned, own if is_cross_fitted else statistics, task)

    try:
        return features_of(fit(features, {column.name: column for column in read}, learner))
    except CodeError as error:
        raise StageFailure(ExitCode.FAILED, str(error), error.help) from None


def _warn(
    result: Expression, inputs: Sequence[ColumnExpression], train: Table, reference: Mapping[str, Any]
) -> None:
    """Print what the training rows do not hold, and what float32 cannot."""
    for name in _without_values(train, [column.name for column in inputs], reference["inputs"]):
        print(f"warning: `{name}` has no value in any of the {train.height:,} training rows")
        print(f"  help: look at its source, or leave it out with `drop: {name}`")
    for found in merged(result, train):
        print(f"warning: {found}\n  help: {found.hint}")


def _bound(features: Sequence[Transform], root: Path) -> list[Transform]:
    """The transforms with the code of the project that they name. Raises StageFailure without it."""
    try:
        return [transform.bound(root) for transform in features]
    except CodeError as error:
        raise StageFailure(ExitCode.FAILED, str(error), error.help) from None


def _require_features(result: Expression, inputs: Sequence[ColumnExpression]) -> None:
    """Raise StageFailure when the model would see nothing."""
    if not inputs or result.type.components == 0:
        raise StageFailure(
            ExitCode.DATA,
            "no column reaches the model: `features` leaves none, or none has a value in the training split",
            "look at `features` and at what is missing in " + artifacts.ROWS_REPORT,
        )


def _require_memory(statistics: Mapping[str, Statistic], rows: int) -> None:
    """Raise StageFailure before vectors are compared as a whole that memory cannot hold."""
    sizes = [
        statistic.of.type.components or 0
        for statistic in statistics.values()
        if isinstance(statistic, _WHOLE)
    ]
    wanted, available = max(sizes, default=0) * rows * _BYTES_TO_COMPARE, available_memory()
    if available is not None and wanted > available:
        raise StageFailure(
            ExitCode.DATA,
            f"to choose of {max(sizes):,} features by {rows:,} rows, `select` takes {shown_bytes(wanted)}, "
            f"but {shown_bytes(available)} of memory are available",
            "make the largest `cross`, `hash_text` or `bag_of_words` smaller, or leave `select` out",
        )


def _require_space(folder: Path, rows: int, shape: Sequence[int], row: numpy.dtype[Any]) -> None:
    """Raise StageFailure before anything is written that the disk cannot hold."""
    wanted, free = rows * row.itemsize, shutil.disk_usage(folder).free
    if wanted > free:
        raise StageFailure(
            ExitCode.DISK,
            f"{rows:,} rows of {math.prod(shape):,} features take {shown_bytes(wanted)}, "
            f"but {shown_bytes(free)} of disk are free",
            "make the largest `hash_text` or `bag_of_words` smaller, or free some disk",
        )


def _matrices(
    result: Expression, kept: FeatureRows, rows: Table, *, is_cross_fitted: bool
) -> Iterator[NDArray[Any]]:
    """The features of the rows in parts, each computed while the one before is written.

    Where they are cross-fitted, each row has the features that the other folds say.
    """
    if is_cross_fitted:
        rows, kept = in_folds(rows), FeatureRows(in_training(result))
    return prefetched(chain.from_iterable(rows.each(partial(_parts, kept))))


def _parts(kept: FeatureRows, block: polars.DataFrame) -> Iterator[NDArray[Any]]:
    """The features of parts of moderate size; none is of one row, which engines compute otherwise."""
    size = max(_LEAST_ROWS, _BLOCK_BYTES // max(1, kept.row.itemsize))
    yield from map(kept.of, cut(block, size) if block.height else ())


def _without_values(
    rows: Table, names: Sequence[str], reference: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """The columns that hold nothing at all; only those without a reference are looked at again."""
    others = [name for name in names if name not in reference]
    counts: dict[str, int] = {name: rows.height for name, known in reference.items() if known["missing"] == 1}

    def missing(block: polars.DataFrame) -> dict[str, int]:
        return block.null_count().row(0, named=True)

    if others:
        found: dict[str, int] = rows.select(others).fold(
            missing, lambda one, other: {name: one[name] + other[name] for name in one}
        )
        counts.update(found)
    return [name for name in names if counts.get(name) == rows.height]


def _weights(task: Task, rows: Table) -> NDArray[numpy.float64] | None:
    """How much each row counts, as its column says."""
    if task.weight is None:
        return None
    name = task.weight
    found = rows.select([name]).column(lambda block: values_of(block, name))
    return found.to_numpy().astype(numpy.float64)


def _series(task: Task, rows: Table) -> SeriesRows | None:
    """What is known of the rows of a forecast beside their features."""
    if task.forecast is None:
        return None
    return read_series_rows(polars.concat(rows.select(SERIES_COLUMNS).blocks()))


def _target(task: Task, rows: Table) -> NDArray[Any]:
    if not task.has_target:
        return numpy.zeros(rows.height, numpy.int64)
    if task.is_multilabel:
        each = (_target(task.of_label(number), rows) for number in range(task.outputs))
        return numpy.column_stack(list(each))
    target = rows.select([task.truth]).column(lambda block: values_of(block, task.truth))
    if not task.is_classification:
        return target.to_numpy().astype(numpy.float64)
    codes = target.replace_strict(
        list(task.classes), list(range(len(task.classes))), return_dtype=polars.Int64
    )
    return codes.to_numpy()


def _description(
    result: Expression, inputs: Sequence[ColumnExpression], layout: Layout | None
) -> dict[str, Any]:
    packed = Inputs.of(inputs)
    return {
        "names": list(result.labels),
        "shape": list(result.type.shape),
        "accepts": _accepts(result),
        "inputs": [_input(column, packed) for column in inputs],
        "made_of": made_of(result),
        **({} if result.type.codes is None else {"codes": result.type.codes}),
        **(msgspec.to_builtins(layout) if layout else {}),
    }


def _accepts(result: Expression) -> str:
    for examples in (Images, Sequences):
        if isinstance(result.type, examples.reads):
            return str(examples.column)
    return "table"


def _input(column: ColumnExpression, packed: Inputs) -> dict[str, Any]:
    name, kind = column.name, column.type
    place: dict[str, Any] = {"shape": list(kind.shape)}
    if kind.tensor:
        place = {"index": packed.packed(kind.tensor).index(name)}
    return {"name": name, "type": kind.name, "tensor": kind.tensor or name, **place}


def _verify(
    session: onnxruntime.InferenceSession,
    inputs: list[dict[str, Any]],
    rows: polars.DataFrame,
    expected: NDArray[numpy.float32],
) -> None:
    """Training and serving must see the same values; if they do not, it is better to stop here."""
    served = session.run(None, pack(rows, inputs))[0]
    if not numpy.allclose(served, expected, rtol=1e-6, atol=1e-6, equal_nan=True):
        apart = numpy.nanmax(numpy.abs(served - expected))
        raise StageFailure(
            ExitCode.FAILED,
            f"the features that serving would compute differ from those of training by {apart:.2g}",
            "this is a defect of a transform: please report it with the spec",
        )


def _told(description: Mapping[str, Any]) -> str:
    count = len(description["inputs"])
    return f"{count} column{'' if count == 1 else 's'} became {_result_told(description)}"


def _result_told(description: Mapping[str, Any]) -> str:
    if description["accepts"] == Images.column:
        return "images of {} x {} x {}".format(*description["shape"])
    if description["accepts"] == Sequences.column:
        steps = "words" if "codes" in description else "steps"
        return f"sequences of {description['shape'][0]} {steps}"
    count = math.prod(description["shape"])
    return f"{count} feature{'' if count == 1 else 's'}"
