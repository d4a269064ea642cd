"""What implements the Gateway API in an environment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aimass_compiler.catalog.quantities import Frozen, is_absent
from aimass_compiler.pipeline.access import ObjectName


class GatewayImplementation(Frozen):
    """What implements the Gateway API in an environment, where it can do more than the standard says."""

    implementation: Literal["envoy-gateway", "istio"]
    """Envoy Gateway 1.9, for which SecurityPolicy and BackendTrafficPolicy are written beside a route, or
    Istio 1.31, for which RequestAuthentication and AuthorizationPolicy are written for the pods."""
    limits: Literal["local", "global"] = "local"
    """Of Envoy Gateway: whether each of its proxies counts by itself (`local`), or a rate limit service with
    Redis counts for all (`global`), so that rates and quotas are exact."""
    channel: Literal["standard", "experimental"] = Field(
        "standard", exclude_if=lambda channel: channel == "standard"
    )
    """Of Istio: which definitions of the Gateway API the cluster has. Only the `experimental` ones of an
    HTTPRoute have `retry`, which `serving.gateway.retries` is for Istio."""
    credential: ObjectName | None = Field(None, exclude_if=is_absent)
    """Of Envoy Gateway: the Secret of the model's namespace whose entry `credential` it adds to each request,
    so that servers believe what it says of client certificates."""

    @property
    def has_retries(self) -> bool:
        """Whether the number of retries can be set."""
        return not self.is_mesh or self.channel == "experimental"

    @property
    def is_mesh(self) -> bool:
        """Whether it is a mesh, whose policies are of pods, and no gateway, whose policies are of routes."""
        return self.implementation == "istio"

    @property
    def verifier(self) -> Literal["gateway", "sidecar"]:
        """Whom servers believe about the certificates of clients."""
        return "sidecar" if self.is_mesh else "gateway"
