"""What metrics of one of several labels share: the label, and a metric of two classes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from aimass_compiler.catalog.metric import Metric, of_label
from aimass_compiler.catalog.task import Task, TaskKind

if TYPE_CHECKING:
    import numpy


def _text(value: Any) -> Any:
    """A label as text: in the name of a metric, one such as `2024` reads as a number."""
    return f"{value:g}" if isinstance(value, float) else value


class OfLabel(Metric):
    """A metric of two classes, of one label."""

    task: ClassVar[TaskKind] = "multilabel"
    short_form: ClassVar[str | None] = "label"

    label: Annotated[str, Field(pattern=r"^[^,()=]+$"), BeforeValidator(_text)]
    """Which of the labels, by its column."""

    @abstractmethod
    def of_two_classes(self) -> Metric:
        """The metric, as it judges two classes."""

    def unfit(self, task: Task) -> str | None:
        return None if self.label in task.classes else f"there is no label `{self.label}`"

    def title(self, task: Task) -> str:
        del task
        return f"{self.of_two_classes().kind} of {self.label}"

    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        if self.label not in task.classes:
            return float("nan")
        number = task.classes.index(self.label)
        return of_label(self.of_two_classes(), number, task, truth, predicted, weights)
