"""What others write into objects that git declares, so that an engine does not put it back.

Numbers of servers are not among them: where a scaler sets one, git declares none.
"""

from __future__ import annotations

from typing import NamedTuple


class WrittenField(NamedTuple):
    """A field of a kind of object; Argo CD wants an expression in jq where there may be several."""

    group: str
    kind: str
    pointers: tuple[str, ...]
    """JSON pointers (RFC 6901)."""
    expression: str = ""


#: During a canary Argo Rollouts tells the pods of both versions apart, and divides the traffic of a route,
#: which has one rule.
WRITTEN_IN_CANARIES = (
    WrittenField("", "Service", ("/spec/selector/rollouts-pod-template-hash",)),
    WrittenField(
        "gateway.networking.k8s.io",
        "HTTPRoute",
        tuple(f"/spec/rules/0/backendRefs/{place}/weight" for place in range(2)),
        ".spec.rules[]?.backendRefs[]?.weight",
    ),
)
