"""What is predicted from what, and how: target, split, cleaning, features, model and gates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from aimass_compiler.render.emit import inline
from aimass_compiler.starter.inferring import Column, LeftOut, infer
from aimass_compiler.starter.order import follows_time
from aimass_compiler.starter.target import Target, reasons, target_of
from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aimass_compiler.starter.observing import Observed

_SMALL = 10_000
_FEWEST_KEYS = 500
_FEWEST_OF_A_CLASS = 20
_MOST_PLACES = 100


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line; None for what is to be guessed."""

    target: str | None = None
    positive: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class Draft:
    """Everything that the spec's text says."""

    rows: int
    columns: tuple[Column, ...]
    left_out: tuple[LeftOut, ...]
    target: Target
    wanted_split: str | None = None

    @cached_property
    def time(self) -> Column | None:
        """The column that tells when a row was, preferably in the order of the rows and without gaps."""
        times = [
            column for column in self.columns if column.type == "time" and column is not self.target.column
        ]
        ordered = [column for column in times if self._is_ordered(column)]
        return next(iter((*ordered, *times)), None)

    def _is_ordered(self, column: Column) -> bool:
        return not column.missing(self.rows) and follows_time(column.observation)

    @cached_property
    def split(self) -> str:
        """How rows are split: `time`, `hash` by a key, `random`, or `hash` of `all` columns."""
        if self.wanted_split == "hash":
            return "hash" if self.key is not None and not self.key.missing(self.rows) else "all"
        if self.wanted_split is not None:
            return self.wanted_split
        if self.time is not None and self._is_ordered(self.time):
            return "time"
        if self.is_split_by_key:
            return "hash"
        return "random" if self.is_small else "all"

    @property
    def split_told(self) -> str:
        """The split in a word or two."""
        column = {"time": self.time, "hash": self.key}.get(self.split)
        return f"{self.split} by {column.name}" if column else "hash" if self.split == "all" else self.split

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
        ids = [column for column in self.columns if column.type == "id" and not column.is_index]
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


def decide(observed: Observed, wanted: Wanted) -> Draft:
    """A draft of what is wanted, or of what seems to be; raises UnusableDataError."""
    if not observed.rows:
        raise UnusableDataError("AM063", "the file holds no rows", "a spec is proposed from data")
    inferred = [infer(name, observation, observed.rows) for name, observation in observed.columns.items()]
    columns = {found.name: found for found in inferred if isinstance(found, Column)}
    left_out = [found for found in inferred if isinstance(found, LeftOut)]
    target = target_of(columns, left_out, wanted.target, wanted.positive)
    columns[target.column.name] = target.column
    kept, beside = _for_one_model(columns, target.column)
    if not _has_features(kept, target.column):  # then a number that counts the rows is all that there is
        kept = [column if column.is_index else column.without_order for column in kept]
    if not _has_features(kept, target.column):
        hint = "a model needs a number, a category, a text or an image to learn from"
        hint += reasons(left_out)
        raise UnusableDataError(
            "AM063", f"beside the target {inline(target.column.name)} there is no feature", hint
        )
    draft = Draft(observed.rows, tuple(kept), tuple(left_out + beside), target, wanted.split)
    if wanted.split == "time" and draft.time is None:
        raise UnusableDataError("AM064", "no column tells when a row was", "split by `hash` or `random`")
    return draft


def _has_features(columns: Sequence[Column], target: Column) -> bool:
    return any(column.type not in ("id", "time") for column in columns if column is not target)


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
