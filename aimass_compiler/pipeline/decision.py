"""How labels follow from probabilities: a threshold, given or chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.metric import MetricName
from aimass_compiler.catalog.quantities import Frozen, Number, is_absent


class Costs(Frozen):
    """What a wrong label costs, in any unit."""

    false_positive: Number = Field(1.0, ge=0)
    """A row of the other class that is given the positive one."""
    false_negative: Number = Field(1.0, ge=0)
    """A row of the positive class that is given the other one."""

    @model_validator(mode="after")
    def _is_a_cost(self) -> Self:
        if self.false_positive == 0 == self.false_negative:
            raise PydanticCustomError("costs", "where no mistake costs anything, every threshold is as good")
        return self


class ThresholdRule(Frozen):
    """What the threshold must do on the validation split; one of these."""

    recall: Number | None = Field(None, gt=0, le=1)
    """Find at least this share of the positive rows, with the highest threshold that does."""
    precision: Number | None = Field(None, gt=0, le=1)
    """Be right in at least this share of the rows that are given the positive class, with the lowest
    threshold that is."""
    top: Number | None = Field(None, gt=0, lt=1)
    """Give the positive class to this share of the rows, the likeliest ones."""
    cost: Costs | None = None
    """Cost as little as possible."""
    metric: Annotated[str, MetricName()] | None = None
    """Have as much as possible of a metric of labels, such as `f1`."""

    @property
    def written(self) -> tuple[str, Any]:
        """The key and the value of the one that is asked for."""
        return next((name, value) for name, value in self if value is not None)

    def __str__(self) -> str:
        """The rule in words: `recall at least 0.5`."""
        name, value = self.written
        match name:
            case "top":
                return f"the likeliest {value:.4g} of the rows"
            case "cost":
                return (
                    f"the least cost, {value.false_positive:g} for a false positive and "
                    f"{value.false_negative:g} for a false negative"
                )
            case "metric":
                return f"the best {value}"
        return f"{name} at least {value:g}"

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(value is not None for _, value in self) != 1:
            raise PydanticCustomError(
                "threshold",
                "a threshold is chosen by one of {keys}",
                {"keys": ", ".join(f"`{name}`" for name in type(self).model_fields)},
            )
        return self


def _form(value: Any) -> str:
    return "rule" if isinstance(value, dict | ThresholdRule) else "number"


Threshold = Annotated[
    Annotated[Number, Field(gt=0, lt=1), Tag("number")] | Annotated[ThresholdRule, Tag("rule")],
    Discriminator(_form),
]


class Decision(Frozen):
    """How a label follows from the probabilities of two classes, or each of several labels from its own."""

    threshold: Threshold | None = None
    """The probability from which a row is given the positive class: a number, or what it is chosen by on the
    validation split, such as `{recall: 0.5}` or `{cost: {false_positive: 1, false_negative: 10}}`."""
    thresholds: Mapping[str, Threshold] | None = Field(None, min_length=1, exclude_if=is_absent)
    """Of several labels, the thresholds that differ from `threshold`, each as `threshold` is written."""

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if self.threshold is None and self.thresholds is None:
            raise PydanticCustomError("threshold", "a decision has a `threshold`")
        return self

    @property
    def rule(self) -> ThresholdRule | None:
        """What the threshold is chosen by; None where it is a number."""
        return self.threshold if isinstance(self.threshold, ThresholdRule) else None

    def of_label(self, name: str) -> Decision:
        """The decision about one of several labels."""
        own = (self.thresholds or {}).get(name, self.threshold)
        return Decision(threshold=0.5 if own is None else own)
