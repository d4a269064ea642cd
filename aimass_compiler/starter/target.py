"""The column that is predicted and the class that is sought: as asked for, or a guess with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.render.emit import inline
from aimass_compiler.starter.contract import InferredColumn
from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aimass_compiler.starter.contract import LeftOut

#: Names that hardly anything but a target has. `default` is not among them: it is a customer's history, too.
_NAMES = frozenset(
    (
        "target", "label", "class", "outcome", "y", "response", "churn", "churned", "fraud", "is_fraud",
        "survived", "species", "diagnosis",
    )
)  # fmt: skip
#: When a row was is hardly ever what is predicted.
_NAMES_OF_TIMES = re.compile(
    r"(?i)^(\w+[ _-])?(years?|yrs?|months?|mnth|weeks?|days?|weekday|hours?|hr|minutes?|seconds?"
    r"|dates?|times?|timestamp|epoch|quarter|season)$"
)
_MOST_CLASSES = 100
#: A number that takes so few whole values is more likely a name of something.
_MOST_NUMBERED_CLASSES = 10
_FEW_OTHERS = 5
_LONGEST_SHOWN = 40
_TWO = 2
#: What is sought, and what is not, in the words of tables.
#: A class with a smaller share of the rows is rare: labels and training may need help to find it.
_RARE = 0.2
_SOUGHT = frozenset(("yes", "true", "1", "y", "t", "spam", "positive", "pos", "malignant", "fraud", "bad"))
_USUAL = frozenset(("no", "false", "0", "n", "f", "ham", "negative", "neg", "benign", "normal", "good"))


@dataclass(frozen=True)
class ChosenTarget:
    """The column that is predicted, and why it and not another."""

    column: InferredColumn
    reason: str
    others: tuple[str, ...] = ()
    """Columns that could be meant as well, the likeliest first."""
    positive: str = ""
    """Of two classes the one that is sought."""
    why_positive: str = ""

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def classes(self) -> tuple[str, ...]:
        """The names that are predicted; none for a number."""
        return self.column.labels if self.column.type == "category" else ()

    @property
    def rarest(self) -> int:
        """How many rows the rarest class has."""
        return min(self.column.observation.values.values())

    @property
    def rare_share(self) -> float | None:
        """The share of the rows that the positive class has, where it is rare."""
        counts = _counts(self.column)
        share = counts.get(self.positive, 0) / max(1, sum(counts.values()))
        return share if self.positive and share < _RARE else None


def target_of(
    columns: Mapping[str, InferredColumn],
    left_out: Sequence[LeftOut],
    wanted: str | None,
    positive: str | None,
) -> ChosenTarget:
    """The target that was asked for, or what seems most wanted; raises UnusableDataError."""
    found = _proposed(columns, left_out) if wanted is None else _wanted(wanted, columns, left_out)
    classes = found.classes
    if positive is not None and (len(classes) != _TWO or positive not in classes):
        message = f"{inline(found.name)} has no two classes of which {inline(positive)} is one"
        raise UnusableDataError("AM064", message, did_you_mean(positive, classes))
    if len(classes) != _TWO:
        return found
    chosen, why = (positive, "as was asked for") if positive is not None else _sought(found)
    return ChosenTarget(found.column, found.reason, found.others, chosen, why)


def reasons(left_out: Sequence[LeftOut]) -> str:
    """Why the first columns are left out; nothing where none are."""
    return "; ".join(
        f"{inline(column.name[:_LONGEST_SHOWN])}: {column.reason}" for column in left_out[:_FEW_OTHERS]
    )


def hint_with_reasons(hint: str, left_out: Sequence[LeftOut]) -> str:
    """A hint, and behind it why columns are left out that could have been of use."""
    return f"{hint} (left out: {reasons(left_out)})" if left_out else hint


def _proposed(columns: Mapping[str, InferredColumn], left_out: Sequence[LeftOut]) -> ChosenTarget:
    """By an unambiguous name, or else the last that can be predicted and does not say when a row was."""
    candidates = [found for column in columns.values() if (found := _as_target(column)) is not None]
    if not candidates:
        hint = hint_with_reasons("a target is a number, or a category of 2 to 100 names", left_out)
        raise UnusableDataError("AM063", "no column can be predicted", hint)
    likely = [column for column in candidates if not _NAMES_OF_TIMES.search(column.name.strip())]
    named = [column for column in likely if column.name.strip().casefold() in _NAMES]
    chosen = [*candidates, *likely, *named][-1]
    reason = "for its name" if named else "the last column that can be predicted"
    ranked = dict.fromkeys(column.name for column in (*reversed(named), *reversed(likely)))
    others = tuple(name for name in ranked if name != chosen.name)
    return ChosenTarget(chosen, f"a guess, {reason}", others[:_FEW_OTHERS])


def _wanted(name: str, columns: Mapping[str, InferredColumn], left_out: Sequence[LeftOut]) -> ChosenTarget:
    reason = next((column.reason for column in left_out if column.name == name), None)
    if reason is not None:
        raise UnusableDataError("AM064", f"{inline(name)} cannot be predicted: {reason}")
    if name not in columns:
        raise UnusableDataError("AM064", f"there is no column {inline(name)}", did_you_mean(name, columns))
    found = _as_target(columns[name].without_order)
    if found is None:
        kind, count = columns[name].type, columns[name].observation.distinct
        message = f"{inline(name)} is of type {kind} with {count:,} different values"
        raise UnusableDataError("AM064", message, "a target is a number, or a category of 2 to 100 names")
    return ChosenTarget(found, "as was asked for")


def _as_target(column: InferredColumn) -> InferredColumn | None:
    """The column as something to predict: names are listed, few whole numbers are names."""
    if column.type == "number" and not _is_numbered_class(column):
        return column
    if column.type not in ("number", "category", "text"):
        return None
    if not _TWO <= len(column.labels) <= _MOST_CLASSES:
        return None
    why = "few whole numbers, so classes; as `number` it would be predicted as an amount"
    comment = why if column.type == "number" else "the classes"
    return InferredColumn(
        column.name, "category", column.observation, comment, {"values": list(column.labels)}
    )


def _is_numbered_class(column: InferredColumn) -> bool:
    observation = column.observation
    if not _TWO <= observation.distinct <= _MOST_NUMBERED_CLASSES or not column.labels:
        return False
    values = [value for value in observation.values if not isinstance(value, str) or value.strip()]
    numbers = {float(value) for value in values}
    return all(number.is_integer() for number in numbers) and len(numbers) == len(column.labels)


def _sought(target: ChosenTarget) -> tuple[str, str]:
    """Of two classes the one that is likely sought, and why."""
    words = {name: name.strip().casefold() for name in target.classes}
    first, last = target.classes
    sought = [name for name, word in words.items() if word in _SOUGHT or word in _NAMES]
    usual = [name for name, word in words.items() if word in _USUAL]
    if len(sought) == 1 or len(usual) == 1:
        return (
            sought[0] if len(sought) == 1 else last if usual == [first] else first
        ), "a guess, by the words"
    counts = _counts(target.column)
    if counts.get(first, 0) < counts.get(last, 0):
        return first, "a guess, the rarer class"
    return last, "a guess, the rarer class" if counts.get(first) != counts.get(last) else "a guess, the last"


def _counts(column: InferredColumn) -> dict[str, int]:
    """How many rows have each value, by its text."""
    return {str(value).strip(): count for value, count in column.observation.values.items()}
