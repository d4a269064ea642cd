"""Models are reached from outside by hosts that are allowed, and by no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from aimass_compiler.catalog.host_pattern import covers
from aimass_compiler.catalog.policy_rule import ROUTES, AdmissionClaim, PolicyObjection, PolicyRule
from aimass_compiler.catalog.text_form import text_form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

_Host = Annotated[
    str,
    *text_form(
        r"(\*\.)?[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?", "host", "`models.example.com` or `*.ml.example.com`"
    ),
]


class Hosts(PolicyRule):
    """Models are reached from outside by hosts that are allowed, and by no others.

    Such as those whose gateway asks who calls.
    """

    short_form: ClassVar[str | None] = "allowed"
    reads: ClassVar[tuple[str, ...]] = ("serving.gateway",)

    allowed: tuple[_Host, ...] = Field(max_length=1_000)
    """Hosts such as `models.example.com`, and `*.ml.example.com` for all below; an empty list allows none."""

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        gateway = model.environments[environment].serving.gateway
        if gateway is None or any(covers(allowed, gateway.host) for allowed in self.allowed):
            return
        listed = ", ".join(f"`{allowed}`" for allowed in self.allowed) or "none"
        message = f"the host `{gateway.host}` is not allowed"
        yield PolicyObjection(("serving", "gateway", "host"), message, f"allowed: {listed}")

    def admissions(self) -> tuple[AdmissionClaim, ...]:
        claims = [
            f"h.endsWith('{allowed[1:]}')" if allowed.startswith("*") else f"h == '{allowed}'"
            for allowed in self.allowed
        ]
        claim = f"object.spec.hostnames.all(h, {' || '.join(claims) or 'false'})"
        message = f"a route may have these hosts only: {', '.join(self.allowed) or 'none'}"
        # Without a host, a route takes all requests of its gateway.
        return (
            AdmissionClaim(
                ROUTES, f"has(object.spec.hostnames) && size(object.spec.hostnames) > 0 && {claim}", message
            ),
        )
