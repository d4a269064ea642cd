"""Raw rows as models read them: float32 features, or numbers beside the codes of categories."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.catalog.feature_matrix import Block, FeatureMatrix, Layout, layout_of
from aimass_compiler.expression import polars_lowering
from aimass_compiler.expression.algebra import Expression, OneHot, Pack
from aimass_compiler.expression.matrix import SideBySide

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray


class FeatureRows:
    """How the features of rows are computed and kept: as codes where that takes much less."""

    def __init__(self, result: Expression) -> None:
        self._result = result
        parts = list(zip(result.parts, result.names, strict=True)) if isinstance(result, Pack) else []
        layout = layout_of([_block_of(part) for part, _ in parts])
        self.layout: Layout | None = layout if parts and layout.is_sparse else None
        self._parts = [part for part, _ in parts]
        self._numbers = [part for part in self._parts if not isinstance(part, OneHot)]
        self._categories = [part for part in self._parts if isinstance(part, OneHot)]

    def __reduce__(self) -> tuple[type[FeatureRows], tuple[Expression]]:
        """What is lowered stays in its process: a worker does it again."""
        return FeatureRows, (self._result,)

    @property
    def row(self) -> numpy.dtype[Any]:
        """What a row is in the file."""
        if self.layout is not None:
            return self.layout.dtype
        return numpy.dtype((_kept_as(self._result), self._result.type.shape))

    def of(self, rows: polars.DataFrame) -> NDArray[Any]:
        """The rows as the file keeps them."""
        if self.layout is None:
            return self._dense(rows)
        found = numpy.empty(len(rows), self.layout.dtype)
        self._side_by_side.fill(found["numbers"], rows)
        lazy, codes = polars_lowering.flattened(rows.lazy(), [part.of for part in self._categories])
        computed = lazy.select(
            polars_lowering.lower(code).alias(str(place)) for place, code in enumerate(codes)
        ).collect(engine="in-memory")
        for place, part in enumerate(self._categories):
            code = computed[str(place)].to_numpy()
            found["codes"][:, place] = numpy.where(code < len(part.names), code, -1)
        return found

    @cached_property
    def _side_by_side(self) -> SideBySide:
        """All parts, or those that are kept as numbers."""
        return SideBySide(self._parts if self.layout is None else self._numbers)

    def _dense(self, rows: polars.DataFrame) -> NDArray[Any]:
        shape = (len(rows), *self._result.type.shape)
        if not isinstance(self._result, Pack):
            return _vectors(rows, self._result).reshape(shape)
        found = numpy.empty(shape, numpy.float32)
        self._side_by_side.fill(found, rows)
        return found

    def features(self, kept: NDArray[Any]) -> NDArray[numpy.float32]:
        """What was kept, as the serving graph answers it."""
        return kept if self.layout is None else FeatureMatrix(self.layout, kept)[:]


def _block_of(part: Expression) -> Block:
    if isinstance(part, OneHot):
        return Block("levels", len(part.names))
    return Block("numbers", 1 if part.type.is_single else len(part.labels))


def _kept_as(expression: Expression) -> str:
    return "<i8" if expression.type.onnx_type == "INT64" else "<f4"


def _vectors(rows: polars.DataFrame, expression: Expression) -> NDArray[Any]:
    """A vector, image or sequence a row, flat."""
    lazy, (flat,) = polars_lowering.flattened(rows.lazy(), [expression])
    values = lazy.select(polars_lowering.lower(flat).alias("x")).collect(engine="in-memory")["x"].to_numpy()
    return numpy.ascontiguousarray(values, dtype=_kept_as(expression))
