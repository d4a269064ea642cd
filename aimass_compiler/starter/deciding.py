"""What is predicted from what, and how: target, split, cleaning, features, model and gates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.render.emit import inline
from aimass_compiler.starter.inferring import Column, LeftOut, infer
from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aimass_compiler.starter.observing import Observed

_NAMES_OF_TARGETS = frozenset(
    (
        "target",
        "label",
        "class",
        "outcome",
        "y",
        "churn",
        "churned",
        "default",
        "fraud",
        "is_fraud",
        "survived",
    )
)
_MOST_CLASSES = 100
#: A number that takes so few whole values is more likely a name of something.
_MOST_NUMBERED_CLASSES = 10
_SMALL = 10_000
_FEWEST_KEYS = 500
_FEWEST_OF_A_CLASS = 20
_MOST_PLACES = 100


@dataclass(frozen=True)
class Target:
    """The column that is predicted, and why it and not another."""

    column: Column
    reason: str

    @property
    def classes(self) -> tuple[str, ...]:
        """The names that are predicted; none for a number."""
        return self.column.labels if self.column.type == "category" else ()

    @property
    def rarest(self) -> int:
        """How many rows the rarest class has."""
        return min(self.column.observation.values.values())


@dataclass(frozen=True)
class Draft:
    """Everything that the spec's text says."""

    rows: int
    columns: tuple[Column, ...]
    left_out: tuple[LeftOut, ...]
    target: Target

    def names(self, kind: str) -> list[str]:
        """The columns of one type that may become features."""
        return [
            column.name for column in self.columns if column.type == kind and column is not self.target.column
        ]

    @cached_property
    def image(self) -> str:
        """The column of images, or "" for a table."""
        return next(iter(self.names("image")), "")

    @cached_property
    def key(self) -> Column | None:
        """The id that tells rows apart, or else the one that groups them."""
        ids = [column for column in self.columns if column.type == "id"]
        return next((column for column in ids if column.is_unique), ids[0] if ids else None)

    @cached_property
    def has_repeated_rows(self) -> bool:
        """Whether a few rows share the id that tells the others apart."""
        known = self.key.observation if self.key and self.key.is_unique else None
        return known is not None and known.is_complete and known.distinct < known.known

    @cached_property
    def incomplete(self) -> list[str]:
        """The columns that are of no use to a row when they are missing: the target and the image."""
        wanted = (self.target.column.name, self.image)
        return [column.name for column in self.columns if column.name in wanted and column.missing(self.rows)]

    @property
    def is_split_by_key(self) -> bool:
        """Few rows, or few of a class, are better shared out evenly than by chance."""
        if self.key is None or self.key.missing(self.rows) or self.key.observation.distinct < _FEWEST_KEYS:
            return False
        return not self.target.classes or self.target.rarest >= _FEWEST_OF_A_CLASS

    @property
    def is_small(self) -> bool:
        return self.rows < _SMALL

    @property
    def encoded(self) -> list[str]:
        """Categories with few enough names for a place each."""
        return [name for name in self.names("category") if name not in self._many_named]

    @property
    def hashed(self) -> list[str]:
        """Texts, and categories with too many names."""
        return [*self.names("text"), *(name for name in self.names("category") if name in self._many_named)]

    @cached_property
    def _many_named(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns if column.observation.distinct > _MOST_PLACES)

    @cached_property
    def _kept(self) -> int:
        """How many rows cleaning leaves at least."""
        rows = self.key.observation.distinct if self.has_repeated_rows and self.key else self.rows
        return rows - sum(
            column.missing(self.rows) for column in self.columns if column.name in self.incomplete
        )

    @property
    def objective(self) -> str:
        """The metric by which models are compared."""
        classes = len(self.target.classes)
        return {0: "root_mean_squared_error", 2: "roc_auc"}.get(classes, "log_loss")

    @property
    def floor(self) -> float:
        """A balanced accuracy that is a tenth better than chance."""
        classes = max(1, len(self.target.classes))
        return (10 - -100 // classes) / 100

    def missing(self, column: Column) -> float:
        """The share that may be missing, rounded up; rows that cleaning drops count as if they had values."""
        if column.name in self.incomplete:
            return 0
        count = min(column.missing(self.rows), self._kept)
        return -(-100 * count // self._kept) / 100 if count else 0


def decide(observed: Observed, wanted: str | None) -> Draft:
    """A draft that predicts `wanted`, or what seems most wanted; raises UnusableDataError."""
    if not observed.rows:
        raise UnusableDataError("AM063", "the file holds no rows", "a spec is proposed from data")
    inferred = [infer(name, observation) for name, observation in observed.columns.items()]
    columns = {found.name: found for found in inferred if isinstance(found, Column)}
    left_out = [found for found in inferred if isinstance(found, LeftOut)]
    target = _wanted(wanted, columns, left_out) if wanted is not None else _proposed(columns)
    columns[target.column.name] = target.column
    kept, beside = _for_one_model(columns, target.column)
    if not any(column.type not in ("id", "time") for column in kept if column is not target.column):
        hint = "a model needs a number, a category, a text or an image to learn from"
        raise UnusableDataError(
            "AM063", f"beside the target {inline(target.column.name)} there is no feature", hint
        )
    return Draft(observed.rows, tuple(kept), tuple(left_out + beside), target)


def _for_one_model(columns: Mapping[str, Column], target: Column) -> tuple[list[Column], list[LeftOut]]:
    """All columns of a table; of a file with images the first image, the target and what identifies a row."""
    image = next((column for column in columns.values() if column.type == "image"), None)
    if image is None:
        return list(columns.values()), []
    kept = [
        column for column in columns.values() if column in (image, target) or column.type in ("id", "time")
    ]
    beside = [column.name for column in columns.values() if column not in kept]
    reason = f"a model learns from images or from a table, and {inline(image.name)} holds images"
    return kept, [LeftOut(name, reason) for name in beside]


def _proposed(columns: Mapping[str, Column]) -> Target:
    candidates = [found for column in columns.values() if (found := _as_target(column)) is not None]
    if not candidates:
        hint = "a target is a number, or a category of 2 to 100 names"
        raise UnusableDataError("AM063", "no column can be predicted", hint)
    named = [column for column in candidates if column.name.casefold() in _NAMES_OF_TARGETS]
    reason = "Proposed for its name" if named else "A guess: the last column that can be predicted"
    return Target([*named, candidates[-1]][0], f"{reason}; `aimass init --target NAME` takes another")


def _wanted(name: str, columns: Mapping[str, Column], left_out: Sequence[LeftOut]) -> Target:
    reason = next((column.reason for column in left_out if column.name == name), None)
    if reason is not None:
        raise UnusableDataError("AM064", f"{inline(name)} cannot be predicted: {reason}")
    if name not in columns:
        raise UnusableDataError("AM064", f"there is no column {inline(name)}", did_you_mean(name, columns))
    found = _as_target(columns[name])
    if found is None:
        kind, count = columns[name].type, columns[name].observation.distinct
        told = f"{inline(name)} is of type {kind} with {count:,} different values"
        raise UnusableDataError("AM064", told, "a target is a number, or a category of 2 to 100 names")
    return Target(found, "What is predicted")


def _as_target(column: Column) -> Column | None:
    """The column as something to predict: names are listed, few whole numbers are names."""
    if column.type == "number" and not _is_numbered_class(column):
        return column
    if column.type not in ("number", "category", "text"):
        return None
    if not 2 <= len(column.labels) <= _MOST_CLASSES:  # noqa: PLR2004  # one class leaves nothing to tell apart
        return None
    return Column(
        column.name, "category", column.observation, _told_classes(column), {"values": list(column.labels)}
    )


def _told_classes(column: Column) -> str:
    if column.type == "number":
        return "few whole numbers, so classes; as `number` it would be predicted as an amount"
    return "the last class is the positive one" if len(column.labels) == 2 else "the classes"  # noqa: PLR2004  # two is what binary means


def _is_numbered_class(column: Column) -> bool:
    observation = column.observation
    if not 2 <= observation.distinct <= _MOST_NUMBERED_CLASSES or not column.labels:  # noqa: PLR2004  # one class leaves nothing to tell apart
        return False
    values = [value for value in observation.values if not isinstance(value, str) or value.strip()]
    numbers = {float(value) for value in values}
    return all(number.is_integer() for number in numbers) and len(numbers) == len(column.labels)
