"""What a run that was kept says otherwise than the spec of the commit that it was tried on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aimass_compiler.diagnostics import Assign, Remove
from aimass_compiler.diagnostics import Path as KeyPath
from aimass_compiler.impact.runs import KeptRun
from aimass_compiler.programs import git
from aimass_compiler.spec.yaml.reader import parse


def changes_of(root: Path, spec: str, chosen: KeptRun) -> Iterator[Assign | Remove]:
    """The edits of a spec, by its path below `root`, that make a run's of the one that it was tried on.

    None of the run that is here: the spec that is here is its own. Raises GitError.
    """
    experiment = chosen.experiment
    if experiment is None:
        return
    before, after = (
        parse(git.files_at(commit, root, [spec]).get(spec, b""), spec, may_be_empty=True)[0].data
        for commit in (experiment.baseline, experiment.commit)
    )
    yield from _edits(before, after, ())


def _edits(before: Any, after: Any, path: KeyPath) -> Iterator[Assign | Remove]:
    """As deep as both are mappings, or lists of one length, so that what stands beside a value stays."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        kept = [key for key in before if key in after]
        if before and after and not kept and path:
            yield Assign(path, after)
            return
        for key in kept:
            yield from _edits(before[key], after[key], (*path, key))
        yield from (Remove((*path, key)) for key in before if key not in after)
        yield from (Assign((*path, key), after[key]) for key in after if key not in before)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _edits(one, other, (*path, place))
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield Assign(path, after)
