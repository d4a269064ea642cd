"""The kinds of Kubernetes itself that any target may have, and those that stand beside what is generated."""

from __future__ import annotations

from aimass_compiler.render.object_kind import (
    Object,
    ObjectKind,
    Pods,
    Rank,
    Scaled,
    SharedScaling,
    at,
    templated_pods,
)

_RBAC = "rbac.authorization.k8s.io"
_GATEWAYS = "the Gateway API (https://gateway-api.sigs.k8s.io)"


def _autoscaled(document: Object) -> Scaled:
    return Scaled(at(document, "spec", "scaleTargetRef") or {}, int(at(document, "spec", "minReplicas") or 1))


def _keda_scaled(document: Object) -> Scaled:
    """Its target is a Deployment where none is named, and it may be idle below its minimum."""
    spec = document.get("spec") or {}
    fewest = int(spec.get("idleReplicaCount", spec.get("minReplicaCount", 0)))
    return Scaled({"kind": "Deployment", **(spec.get("scaleTargetRef") or {})}, fewest)


def _cron_pods(document: Object) -> list[Pods]:
    template = at(document, "spec", "jobTemplate", "spec", "template")
    return [Pods(template, 1)] if template else []


CRON_JOB = ObjectKind(kind="CronJob", group="batch", rank=Rank.WORKLOAD, pods=_cron_pods)
KINDS = (
    ObjectKind(kind="Namespace", rank=Rank.NAMESPACE),
    ObjectKind(kind="CustomResourceDefinition", group="apiextensions.k8s.io", rank=Rank.DEFINITION),
    *(
        ObjectKind(kind=kind, group=group, rank=Rank.IDENTITY)
        for kind, group in (
            ("ResourceQuota", ""),
            ("LimitRange", ""),
            ("ServiceAccount", ""),
            ("Role", _RBAC),
            ("RoleBinding", _RBAC),
            ("NetworkPolicy", "networking.k8s.io"),
            ("Secret", ""),
        )
    ),
    ObjectKind(kind="ConfigMap", rank=Rank.CONFIGURATION),
    ObjectKind(kind="PersistentVolumeClaim", rank=Rank.CONFIGURATION),
    ObjectKind(
        kind="ExternalSecret",
        group="external-secrets.io",
        rank=Rank.CONFIGURATION,
        operator="the External Secrets Operator (https://external-secrets.io)",
    ),
    ObjectKind(kind="Service", rank=Rank.ADDRESS),
    ObjectKind(kind="StatefulSet", group="apps", rank=Rank.WORKLOAD, pods=templated_pods, serves=True),
    ObjectKind(kind="Job", group="batch", rank=Rank.WORKLOAD, pods=templated_pods),
    CRON_JOB,
    ObjectKind(
        kind="HorizontalPodAutoscaler",
        group="autoscaling",
        rank=Rank.SCALER,
        scales=_autoscaled,
        has_own_rules=True,
    ),
    ObjectKind(kind="PodDisruptionBudget", group="policy", rank=Rank.SCALER),
    ObjectKind(
        kind="ScaledObject",
        group="keda.sh",
        rank=Rank.SCALER,
        scales=_keda_scaled,
        # Else KEDA refuses to count what an autoscaler counts (pkg/webhooks of KEDA).
        after=SharedScaling("HorizontalPodAutoscaler", {"validations.keda.sh/hpa-ownership": "false"}),
        operator="KEDA (https://keda.sh)",
    ),
    ObjectKind(kind="Ingress", group="networking.k8s.io", rank=Rank.ROUTE),
    *(
        ObjectKind(kind=kind, group="gateway.networking.k8s.io", rank=Rank.ROUTE, operator=_GATEWAYS)
        for kind in ("Gateway", "HTTPRoute", "GRPCRoute")
    ),
)
