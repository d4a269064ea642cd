"""What is predicted from what, and how: target, split, cleaning, features, model and gates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from aimass_compiler import timestamps
from aimass_compiler.render.emit import inline
from aimass_compiler.starter.contract import InferredColumn, LeftOut, infer
from aimass_compiler.starter.profile import follows_time
from aimass_compiler.starter.target import ChosenTarget, hint_with_reasons, reasons, target_of
from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aimass_compiler.starter.named_images import NamedImages
    from aimass_compiler.starter.profile import DataFileProfile


_SMALL = 10_000
_FEWEST_KEYS = 500
_FEWEST_OF_A_CLASS = 20
_MOST_PLACES = 100
_FEW = 5
#: What a model reads alone, and its plural.
_READ_ALONE = {"image": "images", "series": "series"}
_TEXT_STEP, _LONGEST_TEXT = 16, 512
_SECONDS_A_DAY = 86_400
#: So far above its share in this file the share of missing values in another one hardly ever is.
_STANDARD_ERRORS = 3
_MOST_CLASSES_ENCODED = 2


@dataclass(frozen=True)
class InitOptions:
    """What was asked for on the command line; None for what is to be guessed."""

    target: str | None = None
    positive: str | None = None
    split: str | None = None
    task: str | None = None


@dataclass(frozen=True)
class Draft:
    """Everything that the spec's text says."""

    rows: int
    columns: tuple[InferredColumn, ...]
    left_out: tuple[LeftOut, ...]
    target: ChosenTarget
    wanted_split: str | None = None
    images: NamedImages | None = None
    """The image files that a column names."""

    @cached_property
    def time(self) -> InferredColumn | None:
        """The column that says when a row was, preferably in the order of the rows and without gaps."""
        times = [
            column for column in self.columns if column.type == "time" and column is not self.target.column
        ]
        ordered = [column for column in times if self._is_ordered(column)]
        return next(iter((*ordered, *times)), None)

    def _is_ordered(self, column: InferredColumn) -> bool:
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
    def split_shown(self) -> str:
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
    def series(self) -> str:
        """The column of series, or ""."""
        return next(iter(self.names("series")), "")

    @cached_property
    def text(self) -> str:
        """The column of texts where nothing else is learned from, or ""."""
        texts = self.names("text")
        others = [name for kind in ("number", "category", *_READ_ALONE) for name in self.names(kind)]
        return texts[0] if len(texts) == 1 and not others else ""

    @property
    def text_length(self) -> int:
        """How many words of a text are read: twice as many as texts have on average, a multiple of 16."""
        texts = next(column.observation for column in self.columns if column.name == self.text)
        words = -(-2 * texts.words // max(1, texts.known))
        return min(_LONGEST_TEXT, -(-words // _TEXT_STEP) * _TEXT_STEP)

    @cached_property
    def key(self) -> InferredColumn | None:
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
    def target_encoded(self) -> list[str]:
        """Categories with too many names for a place each, where the target has an average."""
        return [] if len(self.target.classes) > _MOST_CLASSES_ENCODED else self._many_names_of_one_word

    @property
    def hashed(self) -> list[str]:
        """Such categories where the target has no average."""
        return [name for name in self._many_names_of_one_word if name not in self.target_encoded]

    @property
    def texts(self) -> list[str]:
        """Texts, and categories with many names of several words, as short texts are."""
        one_word = self._many_names_of_one_word
        names = self._many_named.difference(one_word)
        return [*self.names("text"), *(name for name in self.names("category") if name in names)]

    @cached_property
    def _many_names_of_one_word(self) -> list[str]:
        names = self.names("category")
        many = [column for column in self.columns if column.name in names and column.name in self._many_named]
        return [column.name for column in many if not column.has_several_words]

    @cached_property
    def times(self) -> list[tuple[str, list[str]]]:
        """Times whose parts become features, and the parts that vary; a year is new in every new row."""
        found = []
        for column in self.columns:
            if column.name in self.names("time") and not column.missing(self.rows):
                has_hours = any(not _is_midnight(str(value)) for value in column.observation.values)
                found.append((column.name, ["month", "weekday", *(["hour"] if has_hours else [])]))
        return found

    @property
    def gappy_times(self) -> list[str]:
        """Times that some rows lack: perhaps they say when something happened that is to be predicted."""
        told = {name for name, _ in self.times}
        return [name for name in self.names("time") if name not in told]

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

    def missing(self, column: InferredColumn) -> float:
        """The share that may be missing: as here and by chance, so that other rows of the kind pass, too.

        Rows that cleaning drops count as if they had values.
        """
        if column.name in self.incomplete:
            return 0
        seen = min(column.missing(self.rows), self._kept) / self._kept
        share = seen + _STANDARD_ERRORS * math.sqrt(seen * (1 - seen) / self._kept)
        return min(100, math.ceil(100 * share)) / 100


def decide(observed: DataFileProfile, wanted: InitOptions, images: NamedImages | None = None) -> Draft:
    """A draft of what is wanted, or of what seems to be; raises UnusableDataError."""
    if not observed.rows:
        raise UnusableDataError("AM063", "the file holds no rows", "a spec is proposed from data")
    inferred = [infer(name, observation, observed.rows) for name, observation in observed.columns.items()]
    columns = {found.name: found for found in inferred if isinstance(found, InferredColumn)}
    if images is not None and images.column != wanted.target:
        columns |= _of_images(images, observed)
    left_out = [found for found in inferred if isinstance(found, LeftOut)]
    target = target_of(columns, left_out, wanted.target, wanted.positive)
    columns[target.column.name] = target.column
    kept, beside = _for_one_model(columns, target.column)
    if not _has_features(
        kept, target.column, observed.rows
    ):  # then a number that counts the rows is all that there is
        kept = [column if column.is_index else column.without_order for column in kept]
    if not _has_features(kept, target.column, observed.rows):
        message = f"beside the target {inline(target.column.name)} there is no feature"
        hint = "a model needs a number, a category, a text, an image or a series to learn from"
        raise UnusableDataError("AM063", message, hint_with_reasons(hint, left_out))
    draft = Draft(observed.rows, tuple(kept), tuple(left_out + beside), target, wanted.split, images)
    if wanted.split == "time" and draft.time is None:
        raise UnusableDataError("AM064", "no column says when a row was", "split by `hash` or `random`")
    return draft


def _of_images(images: NamedImages, observed: DataFileProfile) -> dict[str, InferredColumn]:
    """The names of the files, and the images that are read from them."""
    seen = observed.columns[images.column]
    named = InferredColumn(images.column, "id", seen, "names the image files; never a feature", {})
    comment = f"channels, height, width: files below {images.folder} are resized to it"
    read = InferredColumn(images.image, "image", seen, comment, {"shape": list(images.shape)})
    return {images.column: named, images.image: read}


def _is_midnight(text: str) -> bool:
    since = timestamps.seconds(text)
    return since is None or since % _SECONDS_A_DAY == 0


def _has_features(columns: Sequence[InferredColumn], target: InferredColumn, rows: int) -> bool:
    return any(_is_feature(column, rows) for column in columns if column is not target)


def _is_feature(column: InferredColumn, rows: int) -> bool:
    return column.type != "id" and not (column.type == "time" and column.missing(rows))


def _for_one_model(
    columns: Mapping[str, InferredColumn], target: InferredColumn
) -> tuple[list[InferredColumn], list[LeftOut]]:
    """All columns of a table; of images or series the first, the target and what identifies a row."""
    alone = next((column for column in columns.values() if column.type in _READ_ALONE), None)
    if alone is None:
        return list(columns.values()), []
    kept = [
        column for column in columns.values() if column in (alone, target) or column.type in ("id", "time")
    ]
    beside = [column.name for column in columns.values() if column not in kept]
    held = _READ_ALONE[alone.type]
    reason = f"a model learns from {held} or from a table, and {inline(alone.name)} holds {held}"
    return kept, [LeftOut(name, reason) for name in beside]


def guesses(draft: Draft) -> list[tuple[str, str]]:
    """What it is about and what was decided, with the reason and the flag that changes it."""
    return list(_guesses(draft))


def split_reason(draft: Draft) -> str:
    """Why rows are split as they are, in a sentence."""
    if draft.split == "time" and draft.time is not None:
        return (
            f"By time, because the rows stand in the order of {inline(draft.time.name)}: learn from the past."
        )
    if draft.split == "hash" and draft.key is not None:
        together = "" if draft.key.is_unique else ", and all rows of one key stay together"
        return f"By a hash of the key, so that a row stays in its split when rows are added{together}."
    if draft.split == "random" and draft.target.classes:
        return (
            "At random, each class in the same shares: with few rows, chance alone could leave a class out."
        )
    if draft.split == "random":
        return "At random: with few rows, a hash would miss the shares."
    return "By a hash of all columns, so that equal rows share a split and stay in it when others are added."


def _guesses(draft: Draft) -> Iterator[tuple[str, str]]:
    target = draft.target
    others = f"; others: {_listed(target.others)}" if target.others else ""
    kind = f"one of {len(target.classes)} classes" if target.classes else "a number"
    yield "target", f"{inline(target.name)}, {kind} ({target.reason}{others}; --target COLUMN)"
    if target.positive:
        yield "positive", f"{inline(target.positive)} ({target.why_positive}; --positive CLASS)"
    if ids := [column.name for column in draft.columns if column.type == "id"]:
        yield "ids", f"{_listed(ids)}, never features (where one is a number to learn from: type `number`)"
    if times := [column.name for column in draft.columns if column.type == "time"]:
        yield "times", f"{_listed(times)}, of which features are made; they can order the rows"
    if doubts := [f"{inline(column.name)}: {column.doubt}" for column in draft.columns if column.doubt]:
        yield "in doubt", "; ".join(doubts[:_FEW])
    if draft.images is not None:
        yield "images", f"{inline(draft.images.column)} names files below {draft.images.folder}"
    reason = split_reason(draft).rstrip(".")
    yield "split", f"{draft.split_shown} ({reason[0].lower()}{reason[1:]}; --split time, hash or random)"
    if draft.left_out:
        yield "left out", reasons(draft.left_out)


def _listed(names: Iterable[str]) -> str:
    shown = [inline(name) for name in names]
    more = f" and {len(shown) - _FEW} more" if len(shown) > _FEW else ""
    return ", ".join(shown[:_FEW]) + more
