"""What the model predicts: classes, labels, a number or a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from aimass_compiler.catalog.conversation import Conversation
from aimass_compiler.catalog.forecast import TRUTH, Forecast
from aimass_compiler.catalog.loss import PINBALL
from aimass_compiler.catalog.quantities import Frozen, is_absent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy

_TWO = 2
#: From which probability on a label is given where nothing says otherwise.
_EVEN = 0.5
#: What is measured where there is no target, the objective first.
_WITHOUT_TARGET = {
    "clustering": ("silhouette", "calinski_harabasz", "davies_bouldin"),
    "anomaly": ("anomaly_share",),
}


def last_of_two(task: dict[str, Any]) -> str | None:
    """The class that is the positive one where nobody says which: of two the last."""
    classes = task.get("classes", ())
    return classes[-1] if len(classes) == _TWO and not task.get("labels") else None


class Label(Frozen):
    """One of several columns that say yes or no of a row, each for itself."""

    column: str
    negative: str
    """The value of rows that do not have it."""
    positive: str
    """The value of rows that have it."""


#: What is predicted.
TaskKind = Literal["classification", "regression", "clustering", "anomaly", "multilabel", "generation"]
#: From which probability of the positive class on it is given, or of each label.
Thresholds = float | tuple[float, ...]


class Task(Frozen):
    """What the model predicts."""

    kind: TaskKind
    target: str
    """The column that is predicted; empty where there is none, as for clusters, or several."""
    classes: tuple[str, ...] = ()
    """The names of the classes, or of the labels, in the order of the probabilities; none for regression."""
    labels: tuple[Label, ...] = Field((), exclude_if=lambda labels: not labels)
    """The columns that are predicted where there are several."""
    positive: str | None = Field(default_factory=last_of_two, exclude_if=is_absent)
    """Of two classes the one that metrics such as recall are of; it moves no probability."""

    weight: str | None = Field(None, exclude_if=is_absent)
    """The column that says how much each row counts, in training and in metrics; never a feature."""

    quantile: float | None = Field(None, exclude_if=is_absent)
    """Which quantile of a number is predicted, and not its mean."""

    forecast: Forecast | None = Field(None, exclude_if=is_absent)
    """How far ahead the number is predicted, from its own past; None where rows do not follow one another."""

    conversation: Conversation | None = Field(None, exclude_if=is_absent)
    """How rows become conversations with a language model; None for all other models."""

    @property
    def served_as(self) -> str:
        """What signatures and contracts call it: a forecast answers a horizon, and clusters
        and anomalies are answered as classes are."""
        if self.is_multilabel:
            return self.kind
        return (
            "classification" if self.is_classification else self.kind if self.forecast is None else "forecast"
        )

    @property
    def of_rows(self) -> Task:
        """The task of one row: of a forecast, a regression of the value that is one step or more ahead."""
        return self if self.forecast is None else self.model_copy(update={"forecast": None})

    @property
    def truth(self) -> str:
        """The column of the prepared rows that holds what is to be predicted; a forecast's target is there as
        its history."""
        return self.target if self.forecast is None else TRUTH

    @property
    def level(self) -> float:
        """The quantile that is predicted, or the median."""
        return 0.5 if self.quantile is None else self.quantile

    @property
    def columns(self) -> frozenset[str]:
        """The truth and the weight: columns that are never features."""
        return frozenset({self.truth, self.weight or "", *self.label_columns} - {""})

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns that are predicted where there are several."""
        return tuple(label.column for label in self.labels)

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns that are predicted."""
        return self.label_columns or ((self.target,) if self.target else ())

    @property
    def subject(self) -> str:
        """The target, or all of them, as a message names them."""
        return ", ".join(f"`{name}`" for name in self.targets)

    @property
    def is_multilabel(self) -> bool:
        """Whether several yes or no are predicted of a row, of which any number may be yes."""
        return bool(self.labels)

    @property
    def each_target(self) -> tuple[Task, ...]:
        """The task of each column that is predicted; none without a target."""
        if self.is_multilabel:
            return tuple(self.of_label(number) for number in range(self.outputs))
        return (self,) if self.target else ()

    def of_label(self, number: int) -> Task:
        """The classification of one label: two classes, of which the last is the positive one."""
        label = self.labels[number]
        classes = (label.negative, label.positive)
        return Task(
            kind="classification",
            target=label.column,
            classes=classes,
            positive=label.positive,
            weight=self.weight,
        )

    @property
    def is_classification(self) -> bool:
        """Whether it answers a probability of each name: of classes, clusters, anomalies or labels."""
        return self.kind not in ("regression", "generation")

    @property
    def is_written(self) -> bool:
        """Whether it answers a text."""
        return self.kind == "generation"

    @property
    def has_target(self) -> bool:
        """Whether there is a truth that predictions are held against."""
        return bool(self.targets)

    def naming(self, classes: Sequence[str]) -> Task:
        """The same for these classes, once training has found how many there are."""
        return self.model_copy(update={"classes": tuple(classes)})

    @property
    def is_binary(self) -> bool:
        """Whether a row has one of two classes."""
        return len(self.classes) == _TWO and not self.is_multilabel

    @property
    def outputs(self) -> int:
        """Numbers that a model gives a row: one for each class or label, or one."""
        return len(self.classes) if self.is_classification else 1

    @property
    def usual_objective(self) -> str:
        """The metric that compares trials where a spec names none."""
        if self.kind in _WITHOUT_TARGET:
            return _WITHOUT_TARGET[self.kind][0]
        if self.kind == "generation":
            return "perplexity"
        if self.is_multilabel:
            return "roc_auc_macro"
        if not self.is_classification:
            usual = "root_mean_squared_error" if self.forecast is None else "mase"
            return usual if self.quantile is None else PINBALL
        return "roc_auc" if self.is_binary else "log_loss"

    @property
    def usual_metrics(self) -> tuple[str, ...]:
        """The metrics that a model is measured by where a spec names none."""
        if self.kind in _WITHOUT_TARGET:
            return _WITHOUT_TARGET[self.kind]
        if self.kind == "generation":
            return ("perplexity", "exact_match", "rouge_l")
        if self.is_multilabel:
            return ("roc_auc_macro", "f1_micro", "f1_macro", "hamming_loss", "subset_accuracy")
        if not self.is_classification:
            of_numbers: tuple[str, ...] = ("r2", "root_mean_squared_error", "mean_absolute_error")
            if self.forecast is not None:
                of_numbers = ("mase", "smape", "root_mean_squared_error", "mean_absolute_error")
            return of_numbers if self.quantile is None else (PINBALL, "mean_absolute_error")
        of_classes = ("log_loss", "accuracy", "f1")
        return ("roc_auc", *of_classes) if self.is_binary else of_classes

    def decided(self, scores: numpy.ndarray, threshold: Thresholds | None = None) -> numpy.ndarray:
        """The number of the class that each row of probabilities [N, K] is given, [N].

        It is the likeliest; with a threshold, it is the positive one of two from that probability on. Of
        several labels it is 1 for each that is given, else 0, [N, L].
        """
        import numpy

        if self.is_multilabel:
            reached = scores >= numpy.asarray(self.thresholds(threshold), numpy.float32)
            return reached.astype(numpy.int64)
        if threshold is None:
            likeliest: numpy.ndarray = scores.argmax(axis=1)
            return likeliest
        (positive,) = self.judged
        is_positive = scores[:, positive] >= numpy.asarray(threshold, numpy.float32)
        return numpy.where(is_positive, positive, 1 - positive)

    def thresholds(self, threshold: Thresholds | None) -> tuple[float, ...]:
        """From which probability on each label is given, [L]."""
        if isinstance(threshold, tuple | list):
            return tuple(threshold)
        return (_EVEN if threshold is None else threshold,) * self.outputs

    def as_scores(self, decided: numpy.ndarray) -> numpy.ndarray:
        """Classes [N] or labels [N, L] that are given as probabilities of 0 and 1, [N, K]."""
        import numpy

        if self.is_multilabel:
            labels: numpy.ndarray = decided.astype(numpy.float32)
            return labels
        likeliest: numpy.ndarray = numpy.eye(self.outputs, dtype=numpy.float32)[decided]
        return likeliest

    def is_of(self, number: int, truth: numpy.ndarray) -> numpy.ndarray:
        """Which rows have the class or the label of this number, by their truth [N] or [N, L]."""
        found: numpy.ndarray = truth[:, number] == 1 if self.is_multilabel else truth == number
        return found

    @property
    def judged(self) -> tuple[int, ...]:
        """The places of the classes that are judged one by one: of two only the positive one."""
        if self.positive in self.classes and self.is_binary:
            return (self.classes.index(self.positive),)
        return tuple(range(self.outputs))
