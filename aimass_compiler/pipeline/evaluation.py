"""What a trained model must show before it is packaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.metric import MetricName, is_of_labels
from aimass_compiler.catalog.project_code import ProjectFile
from aimass_compiler.catalog.quantities import Frozen, Integer, Number, is_absent
from aimass_compiler.pipeline.decision import Decision

#: What gates call the rows of all folds.
CROSS_VALIDATION: Final = "cross_validation"
_ONE = Field(min_length=1, max_length=1)


def _slice_short(value: Any) -> Any:
    return {value: None} if isinstance(value, str) else value


class Gate(Frozen):
    """One condition on one metric; a model that misses it is not packaged."""

    metric: Annotated[str, MetricName()]
    """The metric, by its name in scikit-learn, or with parameters: `{precision_at: {top: 0.1}}`."""
    split: Literal["train", "validation", "test", "cross_validation"] = "test"
    """Where it is measured; `cross_validation` is the mean over its folds."""
    min: Number | None = None
    """The metric must be at least this."""
    max: Number | None = None
    """The metric must be at most this."""
    overfit: Number | None = Field(None, ge=0)
    """How much better the metric may be on the training split than on the validation split."""
    beats: Literal["released", "seasonal_naive"] | None = None
    """The metric must not be worse on the same rows than that of the `released` model or, for a forecast, of
    the `seasonal_naive` baseline, which repeats the last season."""
    environment: str | None = Field(None, exclude_if=is_absent)
    """Where that model is released; by default the last environment, in their order, that has a release."""
    slice: Annotated[
        Mapping[str, str | None] | None,
        BeforeValidator(_slice_short, json_schema_input_type=str | Annotated[dict[str, str], _ONE] | None),
    ] = Field(None, min_length=1, max_length=1, exclude_if=is_absent)
    """The rows that it is held on: those of one value, `{contact: telephone}`, or, with the name of the
    column alone, those of each of its values in turn."""
    margin: Number | None = Field(None, ge=0, exclude_if=is_absent)
    """How much worse than the released model it may be; by default not at all."""

    @model_validator(mode="after")
    def _has_condition(self) -> Self:
        if all(part is None for part in (self.min, self.max, self.overfit, self.beats)):
            raise PydanticCustomError(
                "gate",
                "a gate on {metric} needs a condition: `min`, `max`, `overfit` or `beats`",
                {"metric": f"`{self.metric}`"},
            )
        if self.split == CROSS_VALIDATION and self.min is None and self.max is None:
            raise PydanticCustomError("gate", "a gate on `cross_validation` has `min` or `max`")
        if self.split == CROSS_VALIDATION and (self.overfit is not None or self.beats is not None):
            raise PydanticCustomError(
                "gate", "a gate on `cross_validation` has `min` or `max`, and nothing else"
            )
        if self.split == CROSS_VALIDATION and self.slice is not None:
            raise PydanticCustomError("gate", "a gate on `cross_validation` has no `slice`")
        if self.slice is not None and (self.overfit is not None or self.beats is not None):
            raise PydanticCustomError("gate", "a gate on a `slice` has `min` or `max`, and nothing else")
        if self.margin is not None and self.beats is None:
            raise PydanticCustomError(
                "gate", "`margin` is how much worse than the released model it may be: add `beats: released`"
            )
        if self.environment is not None and self.beats != "released":
            raise PydanticCustomError(
                "gate", "`environment` is where the model to compare with is released: add `beats: released`"
            )
        return self


class OnFailure(Frozen):
    """What happens when a gate is missed because the model over- or underfits."""

    retrain: Integer = Field(0, ge=0, le=10)
    """How often training is tried again."""
    adjust: tuple[Literal["regularization", "capacity"], ...] = ("regularization", "capacity")
    """What is changed: more regularization against overfitting, more capacity against underfitting."""


class PermutationImportance(Frozen):
    """How it is found which columns a model rests on: permutation importance on the validation split.

    Each column's values are shuffled among the rows, and the objective's metric is taken again.
    """

    repeats: Integer = Field(5, ge=0, le=100)
    """How often each column is shuffled; the numbers are a mean and a standard deviation. 0 leaves it out."""
    rows: Integer = Field(2_000, ge=10, le=1_000_000)
    """How many rows of the validation split are looked at, at most."""
    seed: Integer = Field(0, ge=0)
    """Where chance starts: which rows are looked at, and how they are shuffled."""


class CrossValidation(Frozen):
    """How well such a model does on rows that it did not learn from, of all but the test split."""

    folds: Integer = Field(5, ge=2, le=100)
    """In how many parts rows are held out in turn: by group, in time or stratified, as the split says."""


class PredictionIntervals(Frozen):
    """An interval around each predicted number, from `lower` to `upper`, by split conformal prediction."""

    coverage: Number = Field(0.9, gt=0, lt=1)
    """The share of rows whose true value is to lie within its interval."""
    min: Number | None = Field(None, gt=0, le=1)
    """A gate: at least this share of the test rows must lie within."""
    max_width: Number | None = Field(None, gt=0)
    """A gate: intervals must be no wider than this, in the target's unit."""


#: As far as a form of fewer bits may be from the whole one, by default.
_NARROW = 0.5


class Parity(Frozen):
    """How closely a language model's forms must agree: trained, merged, and as the engine serves it.

    On rows of the test split, all must read the same prompt tokens and end on the same ids, or nothing is
    packaged. Where weights are quantised, `quantize.log_probability` is the tolerance of that step.
    """

    rows: Integer = Field(32, ge=1, le=10_000)
    """How many rows are compared, at most."""
    tokens: Literal["equal"] = "equal"
    """That each form chooses the same tokens itself, but where two are as likely within the tolerance."""
    log_probability: Number = Field(0.02, gt=0, le=1)
    """How far the log-probability of a token may be from that of the form before it."""
    narrow_base: Number = Field(_NARROW, gt=0, le=10, exclude_if=lambda value: value == _NARROW)
    """How far log-probabilities may be on average from those of the base in 4 bits beside which an adapter
    learned (`base_precision`)."""


class HarnessTasks(Frozen):
    """Tasks of EleutherAI's lm-evaluation-harness, as YAML files of the project."""

    tasks: tuple[str, ...] = Field(min_length=1)
    """The names of the tasks."""
    path: ProjectFile
    """The folder with their files, below the project's root."""
    rows: Integer | None = Field(None, ge=1)
    """How many rows of each task are asked, at most; by default all."""


class SuiteGate(Frozen):
    """One condition on one metric of a suite's task; a model that misses it is not packaged."""

    task: str
    """The task."""
    metric: str
    """The metric, by its name in the harness, such as `acc` or `exact_match`."""
    min: Number | None = None
    """The metric must be at least this."""
    max: Number | None = None
    """The metric must be at most this."""

    @model_validator(mode="after")
    def _has_condition(self) -> Self:
        if self.min is None and self.max is None:
            raise PydanticCustomError(
                "gate", "a gate on {metric} needs a condition: `min` or `max`", {"metric": f"`{self.metric}`"}
            )
        return self


class Suite(Frozen):
    """Tasks that a language model is tried with, beside the rows of the data."""

    lm_eval: HarnessTasks
    """Tasks of lm-evaluation-harness, which is installed beside this program: `uv tool install lm-eval`."""
    gates: tuple[SuiteGate, ...] = ()
    """The conditions on their metrics."""


class Evaluation(Frozen):
    """What a trained model must show before it is packaged."""

    metrics: tuple[Annotated[str, MetricName()], ...] | None = Field(None, min_length=1)
    """What is measured, beside the objective's and the gates'; by default what suits the task."""
    gates: tuple[Gate, ...] = ()
    """The conditions."""
    slices: tuple[str, ...] = ()
    """Category columns whose values are judged one by one."""
    decision: Decision | None = Field(None, exclude_if=is_absent)
    """From which probability on a row is given the positive class; by default, its likeliest class is."""
    intervals: PredictionIntervals | None = Field(None, exclude_if=is_absent)
    """Prediction intervals of a regression, in the model and in every answer; by default none."""
    suites: tuple[Suite, ...] = Field((), exclude_if=lambda suites: not suites)
    """Tasks of the user's own that a language model is tried with."""
    parity: Parity | None = Field(None, exclude_if=is_absent)
    """How closely the forms of a language model must agree: by default, on 32 rows within 0.02."""
    importance: PermutationImportance = Field(
        default_factory=PermutationImportance.default,
        exclude_if=lambda importance: importance == PermutationImportance.default(),
    )
    """How it is found which columns the model rests on."""
    cross_validation: CrossValidation | None = Field(None, exclude_if=is_absent)
    """Train again on folds, and report mean and standard deviation of every metric: for data of few rows."""
    seeds: Integer | None = Field(None, ge=2, le=100, exclude_if=is_absent)
    """Train again with so many seeds, from `training.seed` on, and report how far metrics spread."""
    on_failure: OnFailure = Field(default_factory=OnFailure.default)
    """What a missed gate leads to."""

    @model_validator(mode="after")
    def _has_folds(self) -> Self:
        if self.cross_validation is None and any(gate.split == CROSS_VALIDATION for gate in self.gates):
            raise PydanticCustomError(
                "gate", "a gate on `cross_validation` needs folds: add `cross_validation: {folds: 5}`"
            )
        return self


class Repetition(Frozen):
    """What the repeat stage needs to train the model again, on folds and with other seeds."""

    folds: Integer | None = None
    """In how many parts rows are held out in turn."""
    seeds: Integer | None = None
    """How many seeds are tried."""
    metrics: tuple[str, ...]
    """What is measured."""
    decision: Decision | None = None
    """How labels are given."""

    @classmethod
    def of(cls, evaluation: Evaluation, metric: str) -> Self | None:
        """The part of an evaluation that trains again, if any; `metric` is the objective's."""
        folds = evaluation.cross_validation
        if folds is None and evaluation.seeds is None:
            return None
        gates = (gate.metric for gate in evaluation.gates)
        names = dict.fromkeys((*(evaluation.metrics or ()), metric, *gates))
        return cls(
            folds=folds.folds if folds else None,
            seeds=evaluation.seeds,
            metrics=tuple(names),
            decision=evaluation.decision,
        )


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
    decision: Decision | None = Field(None, exclude_if=is_absent)
    """How labels are given, where the objective's metric or a gate is of labels."""

    @classmethod
    def of(cls, evaluation: Evaluation, metric: str) -> Self:
        """The part of an evaluation that decides how often the model is trained, and which trial is best.

        `metric` is the objective's.
        """
        wanted = evaluation.on_failure
        gates = tuple(gate for gate in evaluation.gates if gate.split != CROSS_VALIDATION)
        gates = gates if wanted.retrain else ()
        decision = evaluation.decision
        if not any(is_of_labels(name) for name in (metric, *(gate.metric for gate in gates))):
            decision = None  # a threshold that moves nothing here shall train nothing again
        if not wanted.retrain:
            return cls(decision=decision)
        return cls(attempts=wanted.retrain, adjust=wanted.adjust, gates=gates, decision=decision)
