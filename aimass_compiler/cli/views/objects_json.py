"""Objects, their fields and failures, for programs: parts of the JSON documents of several commands."""

from __future__ import annotations

from typing import Any

from aimass_compiler.cluster.comparison import Compared
from aimass_compiler.cluster.difference import NOTHING, SECRET, Addition, FieldChange
from aimass_compiler.cluster.failures import ClusterError, Conflict
from aimass_compiler.cluster.fields import Manager, shown
from aimass_compiler.cluster.outcomes import Outcome


def object_of(outcome: Outcome) -> dict[str, str]:
    """An object, and what happened to it."""
    return {
        "group": outcome.key.group,
        "kind": outcome.key.kind,
        "namespace": outcome.key.namespace,
        "name": outcome.key.name,
        "action": outcome.action.value,
        "reason": outcome.reason,
    }


def failure_of(error: ClusterError) -> dict[str, Any]:
    """What the cluster did not do, why, and the way out."""
    claims = error.claims if isinstance(error, Conflict) else ()
    return {
        "message": str(error),
        "help": error.help,
        "exitCode": int(error.exit_code),
        "conflicts": [{"field": claim.field, "manager": claim.manager} for claim in claims],
    }


def compared_of(compared: Compared) -> dict[str, Any]:
    """An object, what would happen to it, and its fields that would change."""
    return {
        **object_of(compared.outcome),
        "differs": compared.differs,
        "replaces": None if compared.replaces is None else compared.replaces.name,
        "fields": [field_of(each) for each in compared.changes],
        "additions": [_addition(each) for each in compared.additions],
    }


def field_of(change: FieldChange) -> dict[str, Any]:
    """A field; a value that is not there has no key, and one that nobody must see is told to be secret."""
    values = {"live": change.live, "wanted": change.wanted}
    return {
        "path": shown(change.path),
        **{name: value for name, value in values.items() if value is not NOTHING and value is not SECRET},
        "secret": any(value is SECRET for value in values.values()),
        "managers": [_manager(each) for each in change.managers],
    }


def _addition(addition: Addition) -> dict[str, Any]:
    return {"path": shown(addition.path), "manager": _manager(addition.manager)}


def _manager(manager: Manager) -> dict[str, Any]:
    return {
        "name": manager.name,
        "operation": manager.operation,
        "time": manager.time or None,
        "subresource": manager.subresource or None,
        "ours": manager.is_us,
    }
