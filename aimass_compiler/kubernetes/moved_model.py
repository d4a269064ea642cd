"""What follows a model whose environment got another namespace: what is held back there is held back here."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.kubernetes import inventory
from aimass_compiler.kubernetes.failures import Refused
from aimass_compiler.kubernetes.inventory import ClusterInventory
from aimass_compiler.kubernetes.objects import DeclaredModel
from aimass_compiler.kubernetes.run import ApplyRun


def inventory_with_holds(run: ApplyRun, declared: DeclaredModel) -> ClusterInventory | None:
    """The first inventory of a model in its namespace, with the holds of those that it had elsewhere.

    None where nothing is held back. It counts from then on, also once the others are gone. Raises Damaged
    and other ClusterErrors.
    """
    holds = tuple(dict.fromkeys(hold for each in _elsewhere(run, declared) for hold in each.holds))
    if not holds:
        return None
    return ClusterInventory(declared.model, declared.environment, declared.namespace, holds=holds)


def _elsewhere(run: ApplyRun, declared: DeclaredModel) -> Iterator[ClusterInventory]:
    """What the same repository applied of the model for this environment in other namespaces.

    All namespaces are asked at once where that is allowed, and otherwise those that git names.
    """
    model, environment, source = declared.model, declared.environment, run.origin.source
    seen = {declared.namespace}
    for owned in inventory.elsewhere(run.connection, environment, {declared.namespace}, source):
        if owned.model == model:
            seen.add(owned.namespace)
            yield owned
    for namespace in sorted(set(run.origin.namespaces_of(model, environment)) - seen):
        try:
            found = inventory.read(run.connection, namespace, model, environment)
        except Refused as refused:
            run.report(
                f"what may be held back in `{namespace}`, where it was before, is not known: {refused}"
            )
            continue
        if found is not None and found.source in {"", source}:
            yield found
