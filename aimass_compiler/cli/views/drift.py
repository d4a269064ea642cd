"""Where a cluster differs from git, as a tree of changes and as a JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import to_builtins

from aimass_compiler.cli.views.apply import (
    applied_json,
    compared_json,
    failure_json,
    field_json,
    is_text,
    manager,
    managers,
    text_difference,
    titled,
    value_of,
)
from aimass_compiler.impact.changes import Change, Sign
from aimass_compiler.kubernetes.drift import Cause, FieldDrift, ModelDrift, ObjectDrift
from aimass_compiler.kubernetes.object_diff import NOTHING, shown
from aimass_compiler.kubernetes.run import ObjectAction

_FORMAT = "aimass.drift/v1"
_COMMIT = 12


def of_drift(found: ModelDrift, *, with_additions: bool = False) -> Change:
    """Where one model in the cluster differs from git: what somebody changed, and what is not applied yet."""
    behind = "" if found.is_current else _behind(found)
    children = [Change(Sign.NONE, behind)] if behind else []
    children += [_drifted(each) for each in found.objects]
    children += _additions(found, with_additions)
    return titled(found.applied, _drift_summary(found), children)


def _drift_summary(found: ModelDrift) -> str:
    if found.applied.failures:
        return "cannot be determined"
    if not found.differs:
        return "as git has it"
    if found.owned is None and not found.of(Cause.CHANGED):
        return "never applied"
    counts = [(len(found.of(cause)), cause) for cause in (Cause.CHANGED, Cause.NOT_APPLIED)]
    return ", ".join(f"{count} object{'' if count == 1 else 's'} {cause}" for count, cause in counts if count)


def _drifted(found: ObjectDrift) -> Change:
    children = [_drifted_field(field) for field in found.fields]
    if found.compared.replaces is not None:
        children.append(Change(Sign.NONE, f"takes the place of {found.compared.replaces.name}"))
    sign, reason = _drift_of(found)
    return Change(sign, str(found.key), reason=reason, children=tuple(children))


def _drift_of(found: ObjectDrift) -> tuple[Sign, str]:
    action = found.compared.outcome.action
    if action is ObjectAction.CREATED and found.cause is Cause.CHANGED:
        return Sign.WARNING, ": deleted by hand"
    if action is ObjectAction.CREATED:
        return Sign.ADDED, ": not applied yet"
    if action is ObjectAction.DELETED:
        return Sign.REMOVED, ": git no longer has it, and that is not applied yet"
    if action is ObjectAction.LEFT:
        return Sign.WARNING, f": {found.compared.outcome.reason}"
    return Sign.WARNING if found.cause is Cause.CHANGED else Sign.CHANGED, ""


def _drifted_field(drift: FieldDrift) -> Change:
    """A field as it is and as git has it, and who made it so."""
    change, whose = drift.change, str(drift.cause)
    if drift.cause is Cause.CHANGED:
        whose = managers(change.others) or ("removed by another manager" if change.live is NOTHING else whose)
    if is_text(change.live) and is_text(change.wanted):
        return text_difference(f"{shown(change.path)}: not the text that git has; {whose}", change)
    values = f"is {value_of(change.live)}, in git {value_of(change.wanted)}"
    return Change(Sign.NONE, f"{shown(change.path)}: {values}; {whose}")


def _additions(drift: ModelDrift, with_additions: bool) -> Iterator[Change]:
    count = sum(len(each.additions) for each in drift.added)
    if count and not with_additions:
        fields = f"{count} field{'s' if count > 1 else ''}"
        yield Change(Sign.NONE, f"others added {fields} beside what git has: --additions shows them")
    for each in drift.added if with_additions else ():
        added = (
            Change(Sign.NONE, f"{shown(addition.path)}  (by {manager(addition.manager)})")
            for addition in each.additions
        )
        yield Change(Sign.ADDED, str(each.key), reason=": added by others", children=tuple(added))


def _behind(drift: ModelDrift) -> str:
    """Which commit was applied, where git has gone on."""
    owned = drift.owned
    if owned is None or drift.applied.failures:
        return ""
    if drift.applied.is_removal:
        return "git no longer has it"
    if owned.holds:
        return "; ".join(map(str, owned.holds))
    if not owned.is_complete:
        return "the last apply did not come to its end"
    return f"applied was {_commit(owned.commit[:_COMMIT], drift.commits_since)}"


def _commit(commit: str, since: int | None) -> str:
    if not commit:
        return "something else than git has now"
    if since is None:
        return f"commit {commit}, which is not in the history here"
    if since == 0:
        return f"commit {commit}, the one that is checked out, with other files"
    return f"commit {commit}, {since} commit{'s' if since > 1 else ''} before the one that is checked out"


def drift_document(found: Sequence[ModelDrift]) -> str:
    """Every model, environment by environment."""
    document = {"format": _FORMAT, "models": [_drift_json(each) for each in found]}
    return json.dumps(document, indent=2) + "\n"


def _drift_json(drift: ModelDrift) -> dict[str, Any]:
    applied, owned = drift.applied, drift.owned
    return {
        **applied_json(applied),
        "differs": drift.differs,
        "current": drift.is_current,
        "applied": None
        if owned is None
        else {
            "commit": owned.commit or None,
            "version": owned.version or None,
            "holds": [to_builtins(each) for each in owned.holds],
        },
        "commitsSince": drift.commits_since,
        "objects": [_drifted_object_json(each) for each in drift.objects],
        "added": [compared_json(each) for each in drift.added],
        "failures": [failure_json(each) for each in applied.failures],
    }


def _drifted_object_json(found: ObjectDrift) -> dict[str, Any]:
    fields = [{**field_json(field.change), "cause": field.cause.value} for field in found.fields]
    return {**compared_json(found.compared), "cause": found.cause.value, "fields": fields}
