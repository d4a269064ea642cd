"""F1 of each label, and the mean of them: a rare label counts as much as a common one."""

from __future__ import annotations

from typing import ClassVar

from aimass_compiler.catalog.metrics._averaged_f1 import AveragedF1


class F1Macro(AveragedF1):
    """F1 of each label, and the mean of them: a rare label counts as much as a common one."""

    average: ClassVar[str] = "macro"
