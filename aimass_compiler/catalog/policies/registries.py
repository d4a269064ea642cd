"""Images come from registries that are allowed, and from nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from aimass_compiler.catalog.policy_rule import AdmissionClaim, PolicyObjection, PolicyRule, of_all_images
from aimass_compiler.catalog.text_form import text_form
from aimass_compiler.conventions import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

#: What may stand in a string of CEL, and in an image's name.
_Prefix = Annotated[
    str, *text_form("[a-z0-9][a-z0-9./_:-]{0,250}", "registry", "`ghcr.io` or `ghcr.io/acme`")
]


class Registries(PolicyRule):
    """Images come from registries that are allowed, and from nowhere else."""

    short_form: ClassVar[str | None] = "allowed"
    reads: ClassVar[tuple[str, ...]] = ("settings",)

    allowed: tuple[_Prefix, ...] = Field(min_length=1)
    """What images begin with: a registry such as `ghcr.io`, or a path in one, `ghcr.io/acme`."""

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        registry = model.environments[environment].image_registry
        if not any(f"{registry}/".startswith(f"{prefix.rstrip('/')}/") for prefix in self.allowed):
            listed = ", ".join(f"`{prefix}`" for prefix in self.allowed)
            message = f"images come from `{registry}`, and must come from {listed}"
            hint = "write one of them as `images.registry` in aimass.yaml"
            yield PolicyObjection(("images", "registry"), message, hint, SETTINGS_FILE)

    def admissions(self) -> tuple[AdmissionClaim, ...]:
        claims = [f"IMAGE.startsWith('{prefix.rstrip('/')}/')" for prefix in self.allowed]
        message = f"images must come from {', '.join(self.allowed)}"
        return of_all_images(" || ".join(claims), message)
