"""What the model predicts: classes or a number."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from aimass_compiler.values import Frozen

_TWO = 2


def last_of_two(task: dict[str, Any]) -> str | None:
    """The class that is the positive one where nobody says which: of two the last."""
    classes = task.get("classes", ())
    return classes[-1] if len(classes) == _TWO else None


class Task(Frozen):
    """What the model predicts."""

    kind: Literal["classification", "regression"]
    target: str
    """The column that is predicted."""
    classes: tuple[str, ...] = ()
    """The names of the classes, in the order of the probabilities; none for regression."""
    positive: str | None = Field(default_factory=last_of_two, exclude_if=lambda positive: positive is None)
    """Of two classes the one that metrics such as recall are of; it moves no probability."""

    @property
    def is_classification(self) -> bool:
        return self.kind == "classification"

    @property
    def is_binary(self) -> bool:
        return len(self.classes) == _TWO

    @property
    def outputs(self) -> int:
        """Numbers that a model gives a row: one for each class, or one."""
        return len(self.classes) if self.is_classification else 1

    @property
    def judged(self) -> tuple[int, ...]:
        """The places of the classes that are judged one by one: of two only the positive one."""
        if self.positive in self.classes and self.is_binary:
            return (self.classes.index(self.positive),)
        return tuple(range(self.outputs))
