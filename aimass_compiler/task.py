"""What the model predicts: classes or a number."""

from __future__ import annotations

from typing import Literal

from aimass_compiler.values import Frozen


class Task(Frozen):
    """What the model predicts. The last class is the positive one."""

    kind: Literal["classification", "regression"]
    target: str
    """The column that is predicted."""
    classes: tuple[str, ...] = ()
    """The names of the classes, in the order of the probabilities; none for regression."""

    @property
    def is_classification(self) -> bool:
        return self.kind == "classification"

    @property
    def is_binary(self) -> bool:
        return len(self.classes) == 2  # noqa: PLR2004  # two is what binary means

    @property
    def outputs(self) -> int:
        """Numbers that a model gives a row: one for each class, or one."""
        return len(self.classes) if self.is_classification else 1
