"""F1 of all labels together: each row and label is one decision."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metrics._averaged_f1 import AveragedF1


class F1Micro(AveragedF1):
    """F1 of all labels together: each row and label is one decision."""

    average: ClassVar[str] = "micro"
