"""A transform of your own: a Python class of the project that computes columns by expressions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from aimass_compiler.catalog.project_code import (
    CodeError,
    Plain,
    ProjectFile,
    PythonPlace,
    failed,
    file_of,
    imported,
)
from aimass_compiler.catalog.quantities import Names
from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.column_types import ColumnType
from aimass_compiler.expression.statistics import Statistic

_TYPES: Mapping[str, ColumnType] = {
    "number": column_types.NUMBER,
    "category": column_types.CATEGORY,
    "text": column_types.TEXT,
    "vector": column_types.Vector(),
}


class Custom(Transform):
    """A transform of your own: a Python class of the project that computes columns by expressions."""

    accepts: ClassVar[column_types.Accepted] = (
        column_types.Number,
        column_types.Category,
        column_types.Text,
        column_types.Time,
        column_types.Index,
        column_types.Vector,
    )
    examples: ClassVar[tuple[Any, ...]] = (
        {
            "path": "transforms/ratio.py:Ratio",
            "columns": ["charges", "tenure"],
            "outputs": {"ratio": "number", "charges": None},
            "parameters": {"offset": 1.0},
            "files": ["transforms/safe.py"],
        },
        {
            "path": "transforms/seen.py:Seen",
            "columns": ["plan", "note", "since", "age_group", "words"],
            "outputs": {"filled": "category"},
        },
    )

    path: PythonPlace
    """The file and the class in it, such as `transforms/ratio.py:Ratio`."""
    columns: Names
    """The columns that it reads."""
    outputs: Mapping[str, Literal["number", "category", "text", "vector"] | None] = Field(min_length=1)
    """The columns that it adds or replaces, with their types; null for one that it removes."""
    parameters: Mapping[str, Plain] = Field(default_factory=dict)
    """What the class is built with."""
    files: tuple[ProjectFile, ...] = ()
    """Other files or folders of the project that it imports: it is fitted again when one changes."""
    _code: Any = PrivateAttr(None)
    _root: Path = PrivateAttr(Path())

    @property
    def dependencies(self) -> tuple[str, ...]:
        return (file_of(self.path), *self.files)

    def bound(self, root: Path) -> Self:
        build = imported(root, self.path)
        try:
            code = build(**self.parameters)
        except Exception as error:
            raise failed(root, self.path, "it cannot be built", error) from error
        if not callable(getattr(code, "apply", None)):
            raise CodeError(
                f"what `{self.path}` builds has no `apply`", "docs/own-models.md shows a transform"
            )
        found = self.model_copy()
        found._code, found._root = code, root  # noqa: SLF001  # its own
        return found

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {name: None if kind is None else _TYPES[kind] for name, kind in self.outputs.items()}

    def learn(self, table: Table) -> Mapping[str, Statistic]:
        learn = getattr(self._code, "learn", None)
        return {} if learn is None else dict(self._called("learn", learn, self._read(table)))

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        made = self._called("apply", self._code.apply, self._read(table), learned)
        if not isinstance(made, dict) or set(made) != set(self.outputs):
            names = ", ".join(f"`{name}`" for name in made) if isinstance(made, dict) else "no mapping"
            wanted = ", ".join(f"`{name}`" for name in self.outputs)
            raise CodeError(
                f"`{self.path}`: `apply` answers {names or 'nothing'}, and `outputs` are {wanted}"
            )
        for name, kind in self.produces({}).items():
            found = made[name].type if isinstance(made[name], Expression) else made[name]
            if type(found) is not type(kind):
                shown = found.noun if isinstance(found, ColumnType) else type(found).__name__
                declared = "removed" if kind is None else kind.noun
                raise CodeError(
                    f"`{self.path}`: `apply` answers `{name}` as {shown}, and `outputs` has it {declared}"
                )
        return {name: made[name] for name in self.outputs}

    def _read(self, table: Table) -> Table:
        return {name: table[name] for name in self.columns_read}

    def _called(self, name: str, method: Any, *arguments: Any) -> Any:
        try:
            return method(*arguments)
        except Exception as error:
            raise failed(self._root, self.path, f"`{name}` failed", error) from error
