"""What a trained model must show before it is packaged."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.values import Frozen, Integer, Number


class Gate(Frozen):
    """One condition on one metric; a model that misses it is not packaged."""

    metric: str
    """The metric, by its name in scikit-learn."""
    split: Literal["train", "validation", "test"] = "test"
    """Where it is measured."""
    min: Number | None = None
    """The metric must be at least this."""
    max: Number | None = None
    """The metric must be at most this."""
    overfit: Number | None = Field(None, ge=0)
    """How much better the metric may be on the training split than on the validation split."""
    beats: Literal["released"] | None = None
    """The metric must not be worse than that of the released model on the same rows."""
    margin: Number | None = Field(None, ge=0, exclude_if=lambda margin: margin is None)
    """How much worse than the released model it may be; by default not at all."""

    @model_validator(mode="after")
    def _has_condition(self) -> Self:
        if all(part is None for part in (self.min, self.max, self.overfit, self.beats)):
            raise PydanticCustomError(
                "gate",
                "a gate on {metric} needs a condition: `min`, `max`, `overfit` or `beats`",
                {"metric": f"`{self.metric}`"},
            )
        if self.margin is not None and self.beats is None:
            raise PydanticCustomError(
                "gate", "`margin` is how much worse than the released model it may be: add `beats: released`"
            )
        return self


class OnFailure(Frozen):
    """What happens when a gate is missed because the model learnt too much or too little."""

    retrain: Integer = Field(0, ge=0, le=10)
    """How often training is tried again."""
    adjust: tuple[Literal["regularization", "capacity"], ...] = ("regularization", "capacity")
    """What is changed: more regularization against overfitting, more capacity against underfitting."""


class Evaluation(Frozen):
    """What a trained model must show before it is packaged."""

    metrics: tuple[str, ...] | None = Field(None, min_length=1)
    """What is measured; by default what suits the task."""
    gates: tuple[Gate, ...] = ()
    """The conditions."""
    slices: tuple[str, ...] = ()
    """Category columns whose values are judged one by one."""
    on_failure: OnFailure = Field(default_factory=OnFailure.default)
    """What a missed gate leads to."""


class Retraining(Frozen):
    """What the train stage needs to judge its model and to train it again.

    Gates are here only where something is tried again: elsewhere a changed gate trains nothing.
    """

    attempts: Integer = 0
    """How often training is tried again."""
    adjust: tuple[Literal["regularization", "capacity"], ...] = ()
    """What may be changed."""
    gates: tuple[Gate, ...] = ()
    """The conditions that tell how far apart the splits may be and what training must reach."""

    @classmethod
    def of(cls, evaluation: Evaluation) -> Self:
        """The part of an evaluation that decides how often the model is trained."""
        wanted = evaluation.on_failure
        if not wanted.retrain:
            return cls()
        return cls(attempts=wanted.retrain, adjust=wanted.adjust, gates=evaluation.gates)
