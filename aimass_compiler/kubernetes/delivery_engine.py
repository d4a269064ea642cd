"""Objects that an engine applied: two that each put back what the other changes must not have the same."""

from __future__ import annotations

from collections.abc import Iterable

from aimass_compiler.kubernetes.failures import Conflict
from aimass_compiler.kubernetes.objects import Object, key_of

#: Source: https://fluxcd.io/flux/components/kustomize/kustomizations/ (it labels what it applies)
_FLUX = ("kustomize.toolkit.fluxcd.io/namespace", "kustomize.toolkit.fluxcd.io/name")
#: Source: https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
_ARGO_CD = "argocd.argoproj.io/tracking-id"


def engine_of(live: Object) -> str:
    """Which engine applied a live object, and by what; empty where none did."""
    metadata = live["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    if all(each in labels for each in _FLUX):
        return f"Flux (Kustomization {'/'.join(labels[each] for each in _FLUX)})"
    if _ARGO_CD in annotations:
        return f"Argo CD (Application {annotations[_ARGO_CD].partition(':')[0]})"
    return ""


def require_no_engine(found: Iterable[Object | None]) -> None:
    """Raises Conflict for live objects that an engine applied."""
    for live in found:
        if live is not None and (engine := engine_of(live)):
            raise Conflict(
                f"{engine} applied {key_of(live)}, and would put back what is changed",
                "change it in git; or pause the engine, and take over what it applied: `--adopt` "
                "(docs/engines-of-delivery.md)",
                (),
            )
