"""Where a cluster differs from git, and whose doing it is, for people and for Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aimass_compiler.cli.views.applied import title
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.fenced import fenced
from aimass_compiler.cli.views.field_lines import addition_line, field_drift_lines
from aimass_compiler.cli.views.paint import Paint, Style, coloured, plain
from aimass_compiler.cluster.drift import Cause, Drift, ObjectDrift
from aimass_compiler.cluster.outcomes import Action

_COMMIT = 12


def drawn(found: Iterable[Drift], *, with_additions: bool = False, is_coloured: bool = False) -> str:
    """Every model: what somebody changed, then what is not applied yet."""
    paint = coloured if is_coloured else plain
    return "".join(f"{line}\n" for each in found for line in _lines(each, paint, with_additions))


def as_markdown(found: Iterable[Drift], *, with_additions: bool = False) -> str:
    """The same in blocks of code, where nothing is markup."""
    return "".join(f"{line}\n" for each in found for line in _section(each, with_additions))


def summary(drift: Drift) -> str:
    """How far the cluster is from git, in one line."""
    if drift.applied.failures:
        return "cannot be told"
    if not drift.differs:
        return "as git has it"
    if drift.owned is None and not drift.of(Cause.CHANGED):
        return "never applied"
    counts = [(len(drift.of(cause)), cause) for cause in (Cause.CHANGED, Cause.NOT_APPLIED)]
    return ", ".join(f"{count} {_objects(count)} {cause}" for count, cause in counts if count)


def _lines(drift: Drift, paint: Paint, with_additions: bool) -> Iterator[str]:
    yield f"{paint(title(drift.applied), 'strong')}: {summary(drift)}"
    if not drift.is_current and (behind := _behind(drift)):
        yield f"  {behind}"
    for each in drift.objects:
        yield from _object(each, paint)
    yield from _additions(drift, with_additions)


def _behind(drift: Drift) -> str:
    """Which commit was applied, where git has gone on."""
    owned = drift.owned
    if owned is None or drift.applied.failures:
        return ""
    if drift.applied.is_removal:
        return "git no longer has it"
    if not owned.digest:
        return "the last apply did not come to its end"
    return f"applied was {_commit(owned.commit[:_COMMIT], drift.commits_since)}"


def _commit(commit: str, since: int | None) -> str:
    if not commit:
        return "something else than git has now"
    if since is None:
        return f"commit {safe(commit)}, which is not in the history here"
    if since == 0:
        return f"commit {safe(commit)}, the one that is checked out, with other files"
    return (
        f"commit {safe(commit)}, {since} commit{'s' if since > 1 else ''} before the one that is checked out"
    )


def _object(found: ObjectDrift, paint: Paint) -> Iterator[str]:
    sign, told = _told(found)
    style: Style = "removed" if found.cause is Cause.CHANGED else "note"
    yield f"  {paint(sign, style)} {safe(str(found.key))}{told}"
    for field in found.fields:
        yield from (f"      {line}" for line in field_drift_lines(field))
    if found.compared.replaces is not None:
        yield f"      takes the place of {safe(found.compared.replaces.name)}"


def _told(found: ObjectDrift) -> tuple[str, str]:
    action = found.compared.outcome.action
    if action is Action.CREATED and found.cause is Cause.CHANGED:
        return "!", ": somebody deleted it"
    if action is Action.CREATED:
        return "+", ": not applied yet"
    if action is Action.DELETED:
        return "-", ": git no longer has it, and that is not applied yet"
    if action is Action.LEFT:
        return "!", f": {safe(found.compared.outcome.reason)}"
    return "!" if found.cause is Cause.CHANGED else "~", ""


def _additions(drift: Drift, with_additions: bool) -> Iterator[str]:
    count = sum(len(each.additions) for each in drift.added)
    if count and not with_additions:
        fields = f"{count} field{'s' if count > 1 else ''}"
        yield f"  others added {fields} beside what git has: --additions tells them"
    for each in drift.added if with_additions else ():
        yield f"  + {safe(str(each.key))}: added by others"
        yield from (f"      {addition_line(addition)}" for addition in each.additions)


def _section(drift: Drift, with_additions: bool) -> Iterator[str]:
    yield f"### {safe(drift.applied.model or 'models')} in {safe(drift.applied.environment)}"
    yield ""
    lines = list(_lines(drift, plain, with_additions))
    lines += [safe(f"error: {failure}") for failure in drift.applied.failures]
    yield from fenced(lines, "diff")
    yield ""


def _objects(count: int) -> str:
    return "object" if count == 1 else "objects"
