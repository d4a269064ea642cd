"""What applying did or would do in a cluster, as a tree of changes, in Markdown and as JSON documents."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from aimass_compiler.cli.views.changes import as_markdown
from aimass_compiler.impact.changes import Change, Sign
from aimass_compiler.kubernetes.drift import ModelDiff, ObjectDiff, compared, difference
from aimass_compiler.kubernetes.failures import ClusterError, Conflict
from aimass_compiler.kubernetes.object_diff import NOTHING, SECRET, Addition, FieldChange, Manager, shown
from aimass_compiler.kubernetes.pod_images import short
from aimass_compiler.kubernetes.run import Applied, ObjectAction, ObjectOutcome

_APPLIED, _DIFF = "aimass.applied/v1", "aimass.diff/v1"
_SIGNS: Mapping[ObjectAction, Sign] = {
    ObjectAction.CREATED: Sign.ADDED,
    ObjectAction.CHANGED: Sign.CHANGED,
    ObjectAction.DELETED: Sign.REMOVED,
    ObjectAction.LEFT: Sign.WARNING,
}
_VERBS = {
    ObjectAction.CREATED: "to create",
    ObjectAction.CHANGED: "to change",
    ObjectAction.DELETED: "to delete",
}
_LONGEST_VALUE = 80
_MOST_LINES = 12
_YEAR_TO_MINUTE = "%Y-%m-%d %H:%M UTC"


def of_apply(applied: Applied) -> Change:
    """What applying or deleting did to one model; of a dry run also the fields that would change."""
    if applied.is_dry_run:
        return titled(applied, _summary(applied), _objects(difference(applied).objects))
    return titled(applied, _summary(applied), (_outcome(each) for each in applied.outcomes))


def of_diff(found: ModelDiff) -> Change:
    """What applying one model would change."""
    return titled(found.applied, _diff_summary(found), _objects(found.objects))


def apply_markdown(applied: Applied) -> str:
    """The same for the summary of a workflow's step, which has room for the fields, too."""
    sign = "❌" if applied.failures else "⏭️" if applied.skipped else "✅"
    found = of_apply(applied)
    whole = replace(found, children=tuple(_objects(compared(applied.outcomes))))
    return as_markdown(f"{sign} {place_of(applied)}", with_failures(whole, applied))


def markdown(applied: Applied, found: Change) -> str:
    """A difference or a drift in Markdown, with why it could not be determined."""
    return as_markdown(place_of(applied), with_failures(found, applied))


def titled(applied: Applied, summary: str, children: Iterable[Change]) -> Change:
    name = f"{applied.model or 'models'} in {applied.environment}"
    parts = dict.fromkeys((applied.namespace, applied.version, short(applied.digest)))
    title = f"{name} ({', '.join(filter(None, parts))})"
    return Change(Sign.NONE, title, reason=f": {summary}", children=tuple(children))


def place_of(applied: Applied) -> str:
    return f"{applied.model or 'models'} in {applied.environment}"


def with_failures(found: Change, applied: Applied) -> Change:
    """The same with why it failed, which people are shown beside it."""
    texts = []
    for failure in applied.failures:
        texts += f"error: {failure}".splitlines()
        texts += f"help: {failure.help}".splitlines() if failure.help else []
    return replace(found, children=(*found.children, *(Change(Sign.NONE, text) for text in texts)))


def _summary(applied: Applied) -> str:
    """What happened, counted, in one line."""
    if applied.skipped:
        return f"not touched, because {applied.skipped}"
    counted = [(applied.count(action), action) for action in ObjectAction]
    counts = ", ".join(f"{count} {action}" for count, action in counted if count)
    if applied.failures:
        return f"failed; {counts}" if counts else "failed, and nothing was changed"
    if applied.is_dry_run:
        return f"a dry run: {counts or 'nothing'}"
    if applied.is_removal:
        return f"{counts or 'nothing'}; nothing of it is left"
    state = "; ready" if applied.is_ready else "; a canary has begun" if applied.is_started else ""
    return f"{counts or 'nothing'}{state}; {applied.seconds:.1f} s"


def _diff_summary(found: ModelDiff) -> str:
    if found.applied.failures:
        return "cannot be determined"
    differing = [each.outcome.action for each in found.objects if each.differs]
    counts = [f"{differing.count(action)} {verb}" for action, verb in _VERBS.items() if action in differing]
    same = len(found.objects) - len(differing)
    return ", ".join([*counts, f"{same} as git has {'it' if same == 1 else 'them'}"])


def _outcome(outcome: ObjectOutcome) -> Change:
    reason = f", {outcome.reason}" if outcome.reason else ""
    return Change(_SIGNS.get(outcome.action, Sign.NONE), str(outcome.key), reason=reason)


def _objects(found: Iterable[ObjectDiff]) -> Iterator[Change]:
    """What would happen to each object and to its fields; nothing of one that stays as it is."""
    for each in found:
        if each.differs or each.outcome.action is ObjectAction.LEFT:
            line = _outcome(each.outcome)
            instead = "" if each.replaces is None else f", in the place of {each.replaces.name}"
            fields = (_field(change, with_managers=each.replaces is None) for change in each.changes)
            yield replace(line, reason=f"{line.reason}{instead}", children=tuple(fields))


def _field(change: FieldChange, *, with_managers: bool) -> Change:
    """A field with its two values, and who else manages it; a text of several lines as a difference."""
    whose = f"  (managed by {managers(change.others)})" if with_managers and change.others else ""
    if is_text(change.live) and is_text(change.wanted):
        return text_difference(f"{shown(change.path)}:{whose}", change)
    values = f"{value_of(change.live)} → {value_of(change.wanted)}"
    return Change(Sign.NONE, f"{shown(change.path)}: {values}{whose}")


def managers(managers: Sequence[Manager]) -> str:
    return " and ".join(map(manager, managers))


def manager(found: Manager) -> str:
    """A manager, how it wrote and when."""
    way = "applied" if found.operation == "Apply" else "changed it"
    through = f" through `{found.subresource}`" if found.subresource else ""
    when = f" on {_minute(found.time)}" if found.time else ""
    return f"`{found.name}`, which {way}{through}{when}"


def _minute(time: str) -> str:
    """A time of the API server, to the minute."""
    try:
        return datetime.fromisoformat(time).strftime(_YEAR_TO_MINUTE)
    except ValueError:
        return time


def value_of(found: Any) -> str:
    """A value on one line: text as it is, everything else as JSON, and long ones cut."""
    if found is NOTHING:
        return "nothing"
    if found is SECRET:
        return "(secret)"
    text = found if isinstance(found, str) and found.strip() == found != "" else json.dumps(found)
    text = text.replace("\n", "⏎")
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def is_text(found: Any) -> bool:
    return isinstance(found, str) and "\n" in found


def text_difference(title: str, change: FieldChange) -> Change:
    before, after = change.live.splitlines(), change.wanted.splitlines()
    found = list(difflib.unified_diff(before, after, n=1, lineterm=""))[2:]
    more = [f"… and {len(found) - _MOST_LINES} more lines"] if len(found) > _MOST_LINES else []
    children = (Change(Sign.NONE, line) for line in (*found[:_MOST_LINES], *more))
    return Change(Sign.NONE, title, children=tuple(children))


def apply_document(results: Sequence[Applied]) -> str:
    """Every model, in the order in which they were applied."""
    document = {"format": _APPLIED, "models": [_result_json(each) for each in results]}
    return json.dumps(document, indent=2) + "\n"


def _result_json(applied: Applied) -> dict[str, Any]:
    return {
        **applied_json(applied),
        "dryRun": applied.is_dry_run,
        "removed": applied.is_removal and not applied.failures,
        "ready": applied.is_ready,
        "started": applied.is_started,
        "skipped": applied.skipped or None,
        "exitCode": int(applied.exit_code),
        "seconds": round(applied.seconds, 3),
        "objects": _applied_objects_json(applied),
        "failures": [failure_json(each) for each in applied.failures],
    }


def _applied_objects_json(applied: Applied) -> list[dict[str, Any]]:
    """What happened to each object; of a dry run, with the fields that would change."""
    if applied.is_dry_run:
        return [compared_json(each) for each in difference(applied).objects]
    return [_object_json(each) for each in applied.outcomes]


def diff_document(found: Sequence[ModelDiff]) -> str:
    """Every model, in the order in which they would be applied."""
    document = {"format": _DIFF, "models": [_diff_json(each) for each in found]}
    return json.dumps(document, indent=2) + "\n"


def _diff_json(difference: ModelDiff) -> dict[str, Any]:
    applied = difference.applied
    return {
        **applied_json(applied),
        "differs": difference.differs,
        "objects": [compared_json(each) for each in difference.objects],
        "failures": [failure_json(each) for each in applied.failures],
    }


def applied_json(applied: Applied) -> dict[str, Any]:
    """Which model in which environment, and what git declares of it."""
    return {
        "model": applied.model,
        "environment": applied.environment,
        "namespace": applied.namespace,
        "version": applied.version,
        "digest": applied.digest or None,
    }


def _object_json(outcome: ObjectOutcome) -> dict[str, str]:
    """An object, and what happened to it."""
    return {
        "group": outcome.key.group,
        "kind": outcome.key.kind,
        "namespace": outcome.key.namespace,
        "name": outcome.key.name,
        "action": outcome.action.value,
        "reason": outcome.reason,
    }


def failure_json(error: ClusterError) -> dict[str, Any]:
    """What the cluster did not do, why, and a hint."""
    claims = error.claims if isinstance(error, Conflict) else ()
    return {
        "message": str(error),
        "help": error.help,
        "exitCode": int(error.exit_code),
        "conflicts": [{"field": claim.field, "manager": claim.manager} for claim in claims],
    }


def compared_json(compared: ObjectDiff) -> dict[str, Any]:
    """An object, what would happen to it, and its fields that would change."""
    return {
        **_object_json(compared.outcome),
        "differs": compared.differs,
        "replaces": None if compared.replaces is None else compared.replaces.name,
        "fields": [field_json(each) for each in compared.changes],
        "additions": [_addition_json(each) for each in compared.additions],
    }


def field_json(change: FieldChange) -> dict[str, Any]:
    """A field; a value that is not there has no key, and one that nobody must see is marked secret."""
    values = {"live": change.live, "wanted": change.wanted}
    return {
        "path": shown(change.path),
        **{name: value for name, value in values.items() if value is not NOTHING and value is not SECRET},
        "secret": any(value is SECRET for value in values.values()),
        "managers": [_manager_json(each) for each in change.managers],
    }


def _addition_json(addition: Addition) -> dict[str, Any]:
    return {"path": shown(addition.path), "manager": _manager_json(addition.manager)}


def _manager_json(manager: Manager) -> dict[str, Any]:
    return {
        "name": manager.name,
        "operation": manager.operation,
        "time": manager.time or None,
        "subresource": manager.subresource or None,
        "ours": manager.is_us,
    }
