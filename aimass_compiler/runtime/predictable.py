"""Whether the rows hold anything to predict: a target that differs, in every split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.conventions import SPLITS
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure

if TYPE_CHECKING:
    import polars

    from aimass_compiler.catalog.task import Task


def require_predictable(task: Task, target: polars.Series, splits: polars.Series) -> None:
    """Raise StageFailure where the target is one value in all rows or in a split, or lacks a class."""
    if target.len() > 1 and target.n_unique() == 1:
        raise StageFailure(
            ExitCode.DATA,
            f"the target `{task.target}` is always `{_shown(target[0])}`, so there is nothing to predict",
            "check the sources, `data.clean`, and whether `target` names the right column",
        )
    for name in SPLITS:
        require = _require_classes if task.is_classification else _require_difference
        require(task, name, target.filter(splits == name), target)


def _require_difference(task: Task, name: str, found: polars.Series, target: polars.Series) -> None:
    """A number must differ in training; elsewhere too, or r2 has no meaning and no fit can be judged."""
    if found.len() == 1 or found.n_unique() > 1:
        return
    others = target.len() - int((target == found[0]).sum())
    raise StageFailure(
        ExitCode.DATA,
        f"the target `{task.target}` is always `{_shown(found[0])}` in the {_called(name)} split, "
        f"so there is nothing to {'learn' if name == 'train' else 'measure'}: "
        f"{others:,} of {target.len():,} rows have another value",
        "give the split a larger share, or split another way",
    )


def _require_classes(task: Task, name: str, found: polars.Series, target: polars.Series) -> None:
    """Training needs every class; the other splits at least two, or no metric can tell good from bad."""
    present = set(found.unique())
    lacking = [known for known in task.classes if known not in present]
    if not lacking or (name != "train" and len(present) > 1):
        return
    only = f"only `{next(iter(present))}`" if len(present) == 1 else f"no `{lacking[0]}`"
    count = int((target == lacking[0]).sum())
    rows = (
        f"{count:,} of {target.len():,} rows have" if count > 1 else "one row has" if count else "no row has"
    )
    raise StageFailure(
        ExitCode.DATA,
        f"the target `{task.target}` has {only} in the {_called(name)} split, "
        f"so there is nothing to classify: {rows} `{lacking[0]}` before the split",
        "remove the class from `values` and its rows with `keep`, or collect rows of it"
        if count <= 1
        else "check the target and the split (`by: random` with `stratify` keeps every class in every split)",
    )


def _called(split: str) -> str:
    return "training" if split == "train" else split


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
